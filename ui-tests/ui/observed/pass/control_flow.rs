#![deny(warnings, unreachable_code)]

#[obs::observed]
fn labels(rows: &[u8]) -> Result<u8, String> {
    'rows: for row in rows {
        for _ in 0..*row {
            if *row > 3 {
                break 'rows;
            }
            continue 'rows;
        }
        return Err("empty".to_owned());
    }
    let found = 'found: {
        if rows.is_empty() {
            break 'found 1;
        }
        2
    };
    Ok(found)
}

#[obs::observed]
fn ends_in_a_loop() -> u8 {
    let mut n = 0;
    loop {
        n += 1;
        if n > 3 {
            return n;
        }
    }
}

#[obs::observed]
fn ends_in_a_panic(n: u8) -> u8 {
    panic!("{n}")
}

#[obs::observed]
fn not_yet(_: u8) -> Result<u8, String> {
    todo!()
}

#[obs::observed]
async fn asynchronous(n: u8) -> Result<u8, String> {
    let inner = async { if n > 3 { return Err("large".to_owned()) } Ok::<_, String>(n) };
    let doubled = inner.await?;
    if doubled == 0 {
        return Ok(0);
    }
    let closure = || -> Result<u8, String> { return Err(String::new()) };
    closure().or(Ok(doubled))
}

#[obs::observed]
async fn ends_in_an_async_panic() -> Result<u8, String> {
    panic!()
}

fn main() {
    labels(&[1]).unwrap();
    ends_in_a_loop();
    drop(asynchronous(1));
    drop(ends_in_an_async_panic());
    if std::env::args().count() > 9 {
        ends_in_a_panic(1);
        not_yet(1).unwrap();
    }
}
