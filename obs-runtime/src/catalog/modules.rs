//! Which modules a service is made of, where its binary holds several services.

use std::sync::Arc;

use crate::registry::Registry;

/// The modules whose declarations are at zero from the start. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Modules(Option<Arc<[String]>>);

impl Modules {
    /// Adds modules to the list; before the first, all are on it.
    pub(crate) fn add(&mut self, modules: impl IntoIterator<Item = String>) {
        let known = self.0.iter().flat_map(|known| known.iter().cloned());
        self.0 = Some(known.chain(modules).collect());
    }

    /// Whether a module is on the list, or below one that is. What has no module was named while the
    /// process runs.
    pub(crate) fn hold(&self, module: &str) -> bool {
        let Some(listed) = &self.0 else {
            return true;
        };
        module.is_empty() || listed.iter().any(|above| is_within(module, above))
    }

    /// Whether anything of a block is on a scrape.
    pub(super) fn show(&self, registry: &Registry) -> bool {
        let metrics = registry.metrics();
        self.hold(registry.module()) || metrics.iter().any(|it| it.cells().was_recorded())
    }

    /// Returns the modules of the list in which none of these is.
    pub(crate) fn without(&self, declared: &[&str]) -> Vec<String> {
        let listed = self.0.iter().flat_map(|listed| listed.iter());
        let empty = listed.filter(|above| !declared.iter().any(|it| is_within(it, above)));
        empty.cloned().collect()
    }
}

fn is_within(module: &str, above: &str) -> bool {
    module
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::Modules;

    #[test]
    fn a_module_holds_itself_and_what_is_below_and_nothing_that_only_begins_like_it() {
        let all = Modules::default();
        assert!(all.hold("shop::till"));
        let mut some = Modules::default();
        some.add(["shop::till".to_owned()]);
        some.add(["shop::metrics::till".to_owned()]);
        for (module, is_held) in [
            ("shop::till", true),
            ("shop::till::drawer", true),
            ("shop::metrics::till", true),
            ("", true),
            ("shop", false),
            ("shop::tills", false),
            ("shop::metrics", false),
            ("till", false),
        ] {
            assert_eq!(some.hold(module), is_held, "{module}");
        }
        assert_eq!(
            some.without(&["shop::till::drawer"]),
            ["shop::metrics::till"]
        );
        let mut none = Modules::default();
        none.add([]);
        assert!(!none.hold("shop"));
    }
}
