macro_rules! source {
    ($name:ident { $($variant:ident = $value:literal),* }) => {
        #[derive(obs::Label, Clone, Copy)]
        enum $name {
            $(#[label(value = $value)] $variant),*
        }
    };
}

source!(Source { Upload = "upload", Guess = "naïve" });

fn main() {}
