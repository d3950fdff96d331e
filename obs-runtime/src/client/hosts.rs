//! Which hosts may see the ids of a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The word for names without a dot, as in the lists of hosts that bypass a proxy.
const LOCAL: &str = "<local>";

/// The most bytes that a name has in DNS.
const MAX_NAME: usize = 253;

const MAX_RULES: usize = 256;

/// The hosts of `OBS_PROPAGATE_HOSTS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PropagateHosts {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// Names without a dot: what a cluster's or compose's own names look like.
    Local,
    Name(String),
    /// Names that end in this, which begins with a dot.
    Below(String),
    Network(IpNet),
}

impl PropagateHosts {
    /// Reads a list with commas or spaces between its entries.
    ///
    /// # Errors
    /// If one of them is nothing that a host could be compared with.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::default());
        }
        let entries = text.split([',', ' ']).filter(|entry| !entry.is_empty());
        let rules = entries.map(rule).collect::<Result<Vec<_>, _>>()?;
        match rules.len() {
            1..=MAX_RULES => Ok(Self { rules }),
            _ => Err(String::new()),
        }
    }

    /// Returns whether a host, as it stands in a URL, may see ids.
    pub(crate) fn allows(&self, host: &str) -> bool {
        let host = bare(host);
        if let Some(address) = address(host) {
            return self
                .rules
                .iter()
                .any(|rule| matches!(rule, Rule::Network(network) if network.contains(&address)));
        }
        is_name(host)
            && self.rules.iter().any(|rule| match rule {
                Rule::Local => !host.contains('.'),
                Rule::Name(name) => host.eq_ignore_ascii_case(name),
                Rule::Below(suffix) => ends_in(host, suffix),
                Rule::Network(_) => false,
            })
    }
}

fn rule(entry: &str) -> Result<Rule, String> {
    if entry.eq_ignore_ascii_case(LOCAL) {
        return Ok(Rule::Local);
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return Ok(Rule::Network(network.trunc()));
    }
    let host = bare(entry);
    if let Some(address) = address(host) {
        return Ok(Rule::Network(IpNet::from(address)));
    }
    if let Some(name) = host.strip_prefix("*.")
        && is_name(name)
    {
        return Ok(Rule::Below(format!(".{name}")));
    }
    if is_name(host) {
        return Ok(Rule::Name(host.to_owned()));
    }
    let shown: String = entry.chars().take(50).collect();
    Err(if entry == "*" {
        "`*` would tell ids to everybody".to_owned()
    } else if entry.contains("://") || entry.contains(['@', '?', '#']) {
        // What it holds beside the host may be a secret.
        "an entry is a URL; write its host alone".to_owned()
    } else if host.contains(':') {
        format!("{shown:?} has a port; write the host alone")
    } else {
        format!("{shown:?} is none of them")
    })
}

/// A host without the brackets of an IPv6 address and the dot of a complete name.
pub(super) fn bare(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let host = inner.unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host)
}

fn address(host: &str) -> Option<IpAddr> {
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Some(IpAddr::V4(address));
    }
    let address: Ipv6Addr = host.parse().ok()?;
    Some(IpAddr::V6(address).to_canonical())
}

/// Whether a host is a name that DNS answers for.
///
/// One that ends in a number is an address in a form that resolvers read and `std` does not:
/// `2130706433` is 127.0.0.1, and `134744072` is a machine in the internet (WHATWG URL, "ends in a
/// number checker").
fn is_name(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let labels = || host.split('.');
    let last = labels().next_back().unwrap_or_default();
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
        || last
            .get(..2)
            .is_some_and(|start| start.eq_ignore_ascii_case("0x"));
    host.len() <= MAX_NAME
        && labels().all(|label| !label.is_empty() && label.bytes().all(fits))
        && !is_number
}

fn ends_in(host: &str, suffix: &str) -> bool {
    let Some(at) = host.len().checked_sub(suffix.len()) else {
        return false;
    };
    at > 0
        && host
            .get(at..)
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::PropagateHosts;

    const DEFAULT: &str = "<local>,localhost,127.0.0.0/8,::1/128,*.internal,*.svc,*.cluster.local";

    fn assert_allows(rules: &str, hosts: &[&str], expected: bool) {
        let rules = PropagateHosts::parse(rules).unwrap();
        for host in hosts {
            assert_eq!(rules.allows(host), expected, "{host:?} by {rules:?}");
        }
    }

    #[test]
    fn p2_the_default_allows_loopback_and_the_names_of_a_cluster() {
        assert_allows(
            DEFAULT,
            &[
                "localhost",
                "LOCALHOST",
                "127.0.0.1",
                "127.9.9.9",
                "[::1]",
                "::1",
                "[::ffff:127.0.0.1]",
                "engine",
                "engine_1",
                "billing.internal",
                "billing.internal.",
                "Engine.Prod.SVC",
                "engine.prod.svc.cluster.local",
            ],
            true,
        );
    }

    #[test]
    fn p2_the_default_refuses_the_internet_and_what_only_looks_internal() {
        assert_allows(
            DEFAULT,
            &[
                "example.com",
                "internal.example.com",
                "x.internal.com",
                "xinternal.com",
                ".internal",
                "10.0.0.1",
                "8.8.8.8",
                "[2001:db8::1]",
                "[::ffff:8.8.8.8]",
                "169.254.169.254",
                // 8.8.8.8 to a resolver.
                "134744072",
                "0x08080808",
                "0X8080808",
                "8.8.2056",
                "127.0.0.1.example.com",
                "localhost.example.com",
                "fe80::1%25eth0",
                "a b",
                "",
                ".",
                "..",
                "bücher",
            ],
            false,
        );
    }

    #[test]
    fn each_kind_of_entry_allows_what_it_says_and_nothing_else() {
        let table: [(&str, &[&str], &[&str]); 6] = [
            ("none", &[], &["localhost", "127.0.0.1"]),
            ("engine", &["engine", "Engine."], &["engine.x", "xengine"]),
            (
                "*.shop.example",
                &["a.shop.example", "a.b.SHOP.example"],
                &["shop.example", "xshop.example"],
            ),
            ("10.1.2.3", &["10.1.2.3"], &["10.1.2.4", "10.1.2.3.x"]),
            (
                "10.1.2.3/8, fd00::/8",
                &["10.255.0.1", "[fd12::1]", "[::ffff:10.0.0.1]"],
                &["11.0.0.1", "[fe80::1]"],
            ),
            ("[::1]", &["[::1]"], &["[::2]"]),
        ];
        for (rules, allowed, refused) in table {
            assert_allows(rules, allowed, true);
            assert_allows(rules, refused, false);
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_reason() {
        for (text, reason) in [
            ("*", "`*` would tell ids to everybody"),
            (
                "http://u:hunter2@engine",
                "an entry is a URL; write its host alone",
            ),
            (
                "u:hunter2@engine",
                "an entry is a URL; write its host alone",
            ),
            (
                "engine?k=hunter2",
                "an entry is a URL; write its host alone",
            ),
            (
                "engine:8080",
                "\"engine:8080\" has a port; write the host alone",
            ),
            ("*engine", "\"*engine\" is none of them"),
            ("a,*.", "\"*.\" is none of them"),
            ("10.0.0.0/33", "\"10.0.0.0/33\" is none of them"),
            ("1.2.3", "\"1.2.3\" is none of them"),
            (",", ""),
        ] {
            assert_eq!(PropagateHosts::parse(text).unwrap_err(), reason, "{text}");
        }
        let many = vec!["a"; 257].join(",");
        assert!(PropagateHosts::parse(&many).is_err());
    }
}
