#![deny(warnings)]

#[derive(obs::Label, Clone, Copy)]
enum Plan {
    Free,
    Paid,
}

obs::metrics! {
    registry SHOP;

    /// Orders, by plan.
    counter shop_orders_total(plan: Plan);
    /// Orders that are being taken.
    gauge shop_queue();
    /// Seconds to the till.
    histogram shop_wait_seconds(plan: Plan) { buckets = [1.0] }
}

struct Shop(bool);

impl Shop {
    fn plan(&self) -> Plan {
        if self.0 { Plan::Paid } else { Plan::Free }
    }

    #[obs::observed(record(shop_orders_total(self.plan()), shop_queue()), record(shop_wait_seconds(self.plan())))]
    async fn order(self) -> Result<(), String> {
        Ok(())
    }

    #[obs::observed(record(shop_orders_total(self.plan())))]
    fn order_now(&mut self) -> &mut bool {
        &mut self.0
    }
}

fn main() {
    Shop(true).order_now();
    drop(Shop(false).order());
}
