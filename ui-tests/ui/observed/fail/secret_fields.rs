#[obs::observed(fields(user.password = %password, api_key = %key, client_ip = ?ip, token))]
fn login(password: &str, key: &str, ip: [u8; 4], token: &str) {
    let _ = (password, key, ip, token);
}

fn main() {
    login("", "", [0; 4], "");
}
