#[derive(obs::ErrorLabel)]
enum Many {
    A(u8),
    B(u8),
    C(u8),
    D(u8),
    E(u8),
    F(u8),
    G(u8),
    H(u8),
    I(u8),
    J(u8),
    K(u8),
    L(u8),
    M(u8),
    N(u8),
    O(u8),
    P(u8),
    Q(u8),
    R(u8),
}

fn main() {}
