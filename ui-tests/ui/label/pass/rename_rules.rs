#![deny(warnings)]

use obs::Label;

macro_rules! renamed {
    ($name:ident, $rule:literal, $value:literal) => {
        #[derive(Label, Clone, Copy)]
        #[label(rename_all = $rule)]
        enum $name {
            ObjectStore,
            #[label(value = "as it is")]
            Said,
        }

        assert_eq!($name::VALUES, [$value, "as it is"]);
        assert_eq!($name::ObjectStore.index(), 0);
        assert_eq!($name::Said.index(), 1);
    };
}

fn main() {
    renamed!(A, "lowercase", "objectstore");
    renamed!(B, "UPPERCASE", "OBJECTSTORE");
    renamed!(C, "PascalCase", "ObjectStore");
    renamed!(D, "camelCase", "objectStore");
    renamed!(E, "snake_case", "object_store");
    renamed!(F, "SCREAMING_SNAKE_CASE", "OBJECT_STORE");
    renamed!(G, "kebab-case", "object-store");
}
