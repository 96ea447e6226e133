//! Spellings of addresses that lead inside, each refused, before a name is asked for or after.

use super::*;

/// Each is refused as it is written.
const REFUSED: [&str; 76] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0177.0x0.0.1/",
    "https://127.255.255.254:8443/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://167772161/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://0xc0a80101/",
    "https://192.168.257/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://0251.0376.0251.0376/",
    "https://168.63.129.16/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.88.99.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://127。0。0。1/",
    "https://①②⑦.⓪.⓪.①/",
    "https://１２７.０.０.１/",
    "https://127.0.0.1./",
    "https://127%2e0%2e0%2e1/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a9fe:a9fe::1]/",
    "https://[2001::7f00:1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[100::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[5f00::1]/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://metadata.google.internal/",
    "https://db/",
    "https://printer.local/",
    "https://api.svc.cluster.local/",
    "http://example.com/",
    "https://user:secret@example.com/",
    "https://example.com:0/",
    "file:///etc/passwd",
];

#[test]
fn every_spelling_of_an_inner_address_is_refused() {
    for spelling in REFUSED {
        assert!(Target::parse(spelling, &Reach::default()).is_err(), "{spelling} is admitted");
    }
    for spelling in
        ["", "example.com", "//example.com/", "ftp://example.com/", "gopher://1.1.1.1/", "https://#"]
    {
        assert!(Target::parse(spelling, &Reach::default()).is_err(), "{spelling} is admitted");
    }
}

#[test]
fn public_addresses_are_admitted() {
    for spelling in [
        "https://example.com/hook?x=1",
        "https://example.com:8443/",
        "https://1.1.1.1/",
        "https://172.32.0.1/",
        "https://100.128.0.1/",
        "https://198.20.0.1/",
        "https://[2606:4700:4700::1111]/",
        "https://[2a00:1450:4007::200e]/",
    ] {
        assert!(Target::parse(spelling, &Reach::default()).is_ok(), "{spelling} is refused");
    }
    let target = Target::parse("https://[2606:4700::1]:8443/a?b", &Reach::default()).unwrap();
    assert_eq!((target.host(), target.port(), target.path()), ("2606:4700::1", 8443, "/a?b"));
    assert_eq!((target.authority(), target.is_tls()), ("[2606:4700::1]:8443", true));
}

#[test]
fn networks_of_one_s_own_are_admitted_where_they_are_named() {
    let reach = Reach { networks: vec!["10.1.0.0/16".parse().unwrap()], plain_http: true };
    assert!(Target::parse("http://10.1.2.3/", &reach).is_ok());
    assert!(Target::parse("http://receiver/", &reach).is_ok(), "its address is looked at when it is known");
    assert!(Target::parse("http://10.2.0.1/", &reach).is_err());
    assert!(!reach.admits("127.0.0.1".parse().unwrap()));
    assert!(!reach.admits("::ffff:10.1.2.3".parse().unwrap()), "a mapped address is none of the network");
}
