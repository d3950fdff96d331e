#![deny(warnings)]

struct Login {
    user: String,
    password: String,
}

#[obs::observed(
    fields(
        user = %login.user,
        user.length = login.user.len(),
        password = obs::redacted(&login.password),
        token_count = 3,
        attempt,
        debugged = ?attempt,
        email = %mail,
    ),
    allow(email = "the address of a role, not of a person"),
)]
async fn log_in(login: Login, attempt: u32, mail: &str) -> Result<(), String> {
    drop(login);
    let _ = mail;
    Err(attempt.to_string())
}

#[obs::observed(fields(count = items.len(), first = items.first().map_or("", String::as_str)))]
fn moves(items: Vec<String>) -> Vec<String> {
    items
}

struct Job(u8);

impl Job {
    #[obs::observed(fields(job.id = %self.0))]
    fn run(self) -> u8 {
        self.0
    }
}

fn main() {
    drop(log_in(Login { user: String::new(), password: String::new() }, 1, ""));
    moves(Vec::new());
    Job(1).run();
}
