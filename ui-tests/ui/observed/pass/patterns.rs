#![deny(warnings)]

struct Point {
    x: u8,
    y: u8,
}

struct Unit;

#[obs::observed]
fn sync(
    Point { x, y: mut renamed }: Point,
    (a, _): (String, String),
    [first, .., last]: [u8; 3],
    &b: &u8,
    ref c: String,
    ref mut d: String,
    Unit: Unit,
    ((((e,),),),): ((((u8,),),),),
    whole @ (_, _): (u8, u8),
) -> usize {
    renamed += x + first + last + b + e + whole.0;
    d.push_str(&a);
    c.len() + d.len() + usize::from(renamed)
}

#[obs::observed]
async fn asynchronous(
    Point { x, y: mut renamed }: Point,
    (a, _): (String, String),
    &b: &u8,
    ref c: String,
    ref mut d: String,
    Unit: Unit,
) -> usize {
    renamed += x + b;
    std::future::ready(()).await;
    d.push_str(&a);
    c.len() + d.len() + usize::from(renamed)
}

fn main() {
    let text = String::new;
    let pair = || (text(), text());
    sync(Point { x: 1, y: 2 }, pair(), [1; 3], &1, text(), text(), Unit, ((((1,),),),), (1, 2));
    drop(asynchronous(Point { x: 1, y: 2 }, pair(), &1, text(), text(), Unit));
}
