struct Shop;

impl Shop {
    #[obs::test]
    fn sells(self) {}
}

fn main() {}
