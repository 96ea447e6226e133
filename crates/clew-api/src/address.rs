//! Where a request came from: the connection's other end, or, when that is a proxy of ours, what the proxy says.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a request's sender. `X-Forwarded-For` is believed from its end backwards, and only as far as those
/// who wrote it are `trusted` proxies: what the sender put there himself stands before that and is not looked at.
pub(crate) fn of_sender(headers: &HeaderMap, extensions: &Extensions, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut sender = peer.ip().to_canonical();
    let said = headers.get_all(X_FORWARDED_FOR).iter().map(|value| value.to_str().unwrap_or_default());
    let said: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in said.into_iter().rev() {
        if !trusted.iter().any(|network| network.contains(&sender)) {
            break;
        }
        let Some(address) = parse(hop) else { break };
        sender = address;
    }
    Some(sender)
}

/// An address, as proxies write it: with a port or without.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

/// The network that an address is in, as far as one person commands it: an IPv4 address, or the first 64 bits of an
/// IPv6 one. What is not known is one network too.
pub(crate) fn network(address: Option<IpAddr>) -> String {
    match address.map(|address| address.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            format!("{}/64", Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 4711)));
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        of_sender(&headers, &extensions, &trusted).unwrap().to_string()
    }

    #[test]
    fn proxies_are_believed_as_far_as_they_are_trusted() {
        for (peer, forwarded, expected) in [
            ("198.51.100.7", vec![], "198.51.100.7"),
            ("198.51.100.7", vec!["203.0.113.9"], "198.51.100.7"),
            ("10.1.1.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.1.1.1", vec!["203.0.113.9:8080"], "203.0.113.9"),
            ("10.1.1.1", vec!["127.0.0.1, 203.0.113.9, 10.2.2.2"], "203.0.113.9"),
            ("10.1.1.1", vec!["127.0.0.1", "203.0.113.9", "10.2.2.2"], "203.0.113.9"),
            ("fd00::1", vec!["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.1.1.1", vec!["10.3.3.3"], "10.3.3.3"),
            ("10.1.1.1", vec!["203.0.113.9, garbage"], "10.1.1.1"),
            ("10.1.1.1", vec![], "10.1.1.1"),
        ] {
            assert_eq!(sender(peer, &forwarded), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(of_sender(&HeaderMap::new(), &Extensions::new(), &[]), None);
    }

    #[test]
    fn a_network_is_what_one_person_commands() {
        let of = |text: &str| network(Some(text.parse().unwrap()));
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1", "a mapped address is the one that it maps");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2:ffff::1"), "2001:db8:1:2::/64");
        assert_eq!(network(None), "unknown");
    }
}
