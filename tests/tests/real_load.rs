//! Many calls at once: our counts are those of the client.

use obs_tests::real::calls::assert_calls;
use obs_tests::real::client::Era;
use obs_tests::real::component::{Component, available};
use obs_tests::real::endings::endings;
use obs_tests::real::inspector;
use obs_tests::real::page::Page;
use obs_tests::real::traceo::{Answers, Traceo};

#[test]
fn a_load_of_the_inspector_is_counted_as_the_inspector_counts_it() {
    if !available(&[Component::Inspector, Component::Node]) {
        return;
    }
    for (answers, era) in [
        (Answers::Sessions, Era::Legacy),
        (Answers::StatelessJson, Era::Legacy),
        (Answers::Sessions, Era::Modern),
        (Answers::StatelessJson, Era::Modern),
    ] {
        let server = Traceo::listening(answers);
        for (index, ending) in endings().iter().enumerate().take(3) {
            let before = Page::settled(server.address);
            let home = server.folder.path();
            let load = inspector::load(&server.target(), era, ending.tool, &ending.arguments, home);
            let after = Page::settled(server.address);
            let counts = [load.ok, load.tool_errors, load.errors];
            assert_eq!(counts.iter().sum::<u64>(), 200, "{load:?}");
            assert_eq!(counts[index], 200, "{load:?}");
            assert_calls(&before, &after, ending.counted, 200.0);
        }
    }
}
