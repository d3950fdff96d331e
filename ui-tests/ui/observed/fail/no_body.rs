trait Store {
    #[obs::observed]
    fn load(&self, id: u32) -> Option<String>;

    #[obs::observed]
    async fn save(&self, id: u32);
}

fn main() {}
