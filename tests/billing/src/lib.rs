//! A library crate that declares metrics. The tests name it and never call it.

obs::metrics! {
    pub registry BILLING;

    /// Invoices sent, by whether they were reminders.
    counter billing_invoices_total(reminder: bool);
}

/// Sends an invoice; no test does.
#[obs::observed]
pub fn send(reminder: bool) {
    billing_invoices_total(reminder).inc();
}
