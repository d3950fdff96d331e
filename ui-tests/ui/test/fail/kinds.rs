#[obs::test]
const fn fixed(t: obs::TestObs) {
    std::mem::forget(t);
}

#[obs::test]
async unsafe fn reckless(t: obs::TestObs) {
    drop(t);
}

#[obs::test]
extern "C" fn foreign(t: obs::TestObs) {
    drop(t);
}

fn main() {}
