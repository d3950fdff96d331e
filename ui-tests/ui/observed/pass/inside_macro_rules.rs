#![deny(warnings)]

macro_rules! operation {
    ($(#[$attribute:meta])* $vis:vis fn $name:ident($($argument:ident: $ty:ty),*) -> $output:ty $body:block) => {
        #[obs::observed]
        $(#[$attribute])*
        $vis fn $name($($argument: $ty),*) -> $output $body
    };
}

operation! {
    #[inline]
    pub fn add(a: u32, b: u32) -> Result<u32, String> {
        let sum = a.checked_add(b).ok_or("overflow")?;
        Ok(sum)
    }
}

macro_rules! hygienic {
    ($name:ident, $argument:ident, $with:expr) => {
        #[obs::observed(fields(given = $argument, with = $with))]
        async fn $name($argument: u32) -> u32 {
            let local = 1;
            $argument + local + $with
        }
    };
}

hygienic!(hidden, local, 2);

macro_rules! named {
    ($name:literal) => {
        #[obs::observed(name = $name)]
        fn by_literal() {}
    };
}

named!("by_name");

fn main() {
    add(1, 2).unwrap();
    drop(hidden(1));
    by_literal();
}
