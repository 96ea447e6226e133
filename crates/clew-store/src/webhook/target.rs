//! What a webhook may point at. A tenant writes the address and this service, which stands inside a network, calls it:
//! so it calls public addresses alone, unless the configuration names networks of one's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// What may be reached, beside public addresses by HTTPS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Networks that are refused otherwise.
    pub networks: Vec<IpNet>,
    /// Whether plain HTTP is spoken.
    pub plain_http: bool,
}

/// IPv4 that is not public: the registry of special purposes (RFC 6890 and its successors), multicast, what is reserved,
/// and the one public address that a cloud answers from inside.
const CLOSED_V4: [Ipv4Net; 17] = [
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(168, 63, 129, 16, 32),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 31, 196, 0, 24),
    v4(192, 52, 193, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(192, 175, 48, 0, 24),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
];
/// Multicast, and what is reserved with broadcast.
const CLOSED_V4_HIGH: Ipv4Net = v4(224, 0, 0, 0, 3);
/// IPv6 is public within this alone, which leaves out loopback, link-local, unique local and multicast addresses, those
/// that hold one of IPv4 (mapped, compatible, translated) and the NAT64 prefixes.
const OPEN_V6: Ipv6Net = v6(0x2000, 0, 0, 3);
/// And here not: protocol assignments with Teredo, documentation, 6to4, AS 112.
const CLOSED_V6: [Ipv6Net; 5] = [
    v6(0x2001, 0, 0, 23),
    v6(0x2001, 0xdb8, 0, 32),
    v6(0x2002, 0, 0, 16),
    v6(0x2620, 0x4f, 0x8000, 48),
    v6(0x3fff, 0, 0, 20),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !CLOSED_V4_HIGH.contains(&v4) && !CLOSED_V4.iter().any(|net| net.contains(&v4)),
        IpAddr::V6(v6) => OPEN_V6.contains(&v6) && !CLOSED_V6.iter().any(|net| net.contains(&v6)),
    }
}

impl Reach {
    /// May this address be connected to?
    pub fn admits(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|network| network.contains(&address))
    }

    /// Names that only a network of one's own resolves; refused before anybody is asked.
    fn admits_name(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        let inside =
            ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion", "invalid", "test"];
        let closed = !name.contains('.')
            || inside.iter().any(|inside| name == *inside || name.ends_with(&format!(".{inside}")));
        !closed || !self.networks.is_empty()
    }
}

/// An address that a webhook may point at, by what can be known without asking for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

impl Target {
    /// Reads an address, spelled as the standard of the web reads it: `0x7f.1` is 127.0.0.1.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, reach: &Reach) -> Result<Self, &'static str> {
        if text.len() > 2048 {
            return Err("has more than 2048 characters");
        }
        let url = Url::parse(text).map_err(|_| "is no address; write https://host/path")?;
        match url.scheme() {
            "https" => {}
            "http" if reach.plain_http => {}
            _ => return Err("expected https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("holds a name or a password; what is sent is signed instead");
        }
        if url.fragment().is_some() {
            return Err("holds a fragment, which is never sent");
        }
        let admitted = match url.host() {
            Some(Host::Ipv4(address)) => reach.admits(address.into()),
            Some(Host::Ipv6(address)) => reach.admits(address.into()),
            Some(Host::Domain(name)) => reach.admits_name(name),
            None => false,
        };
        if admitted && url.port() != Some(0) { Ok(Self { url }) } else { Err("is not a public address") }
    }

    /// Is it spoken to through TLS?
    pub fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The name or address to connect to, an IPv6 one without its brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or(443)
    }

    /// The `Host` of the request.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// Path and query.
    pub fn path(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }
}

#[cfg(test)]
mod tests;
