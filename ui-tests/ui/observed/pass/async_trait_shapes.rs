#![deny(warnings)]

use std::future::Future;
use std::pin::Pin;

/// What `#[async_trait]` makes of a trait.
trait Store {
    fn load<'life0, 'async_trait>(
        &'life0 self,
        id: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait;

    fn save<'life0, 'async_trait, T>(
        &'life0 mut self,
        value: T,
    ) -> Pin<Box<dyn Future<Output = T> + Send + 'async_trait>>
    where
        T: Send + 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait;
}

impl Store for Vec<u32> {
    #[obs::observed(name = "store_load")]
    fn load<'life0, 'async_trait>(
        &'life0 self,
        id: u32,
    ) -> Pin<Box<dyn Future<Output = Result<u32, String>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move { self.first().copied().ok_or(id.to_string()) })
    }

    #[obs::observed(name = "store_save")]
    fn save<'life0, 'async_trait, T>(
        &'life0 mut self,
        value: T,
    ) -> Pin<Box<dyn Future<Output = T> + Send + 'async_trait>>
    where
        T: Send + 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        self.push(1);
        Box::pin(async move { value })
    }
}

trait Native {
    fn run(&self) -> impl Future<Output = u8> + Send;

    #[obs::observed(name = "native_twice")]
    async fn twice(&self) -> u8 {
        self.run().await * 2
    }
}

impl Native for u8 {
    #[obs::observed(name = "native_run")]
    fn run(&self) -> impl Future<Output = u8> + Send {
        std::future::ready(*self)
    }
}

fn main() {
    let mut store = vec![1];
    drop(store.load(1));
    drop(store.save("x"));
    drop(1u8.twice());
}
