//! Signatures after Standard Webhooks 1.0.0: `v1,` and the HMAC-SHA-256 of id, time and body, in Base64.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clew_store::webhook::Secret;

/// What stands in `webhook-signature`: a signature of each secret, the newest first, with blanks between.
pub(crate) fn signature(secrets: &[Secret], id: &str, timestamp: i64, body: &str) -> String {
    let signed = format!("{id}.{timestamp}.{body}");
    let one = |secret: &Secret| format!("v1,{}", hmac_sha256(secret.expose(), signed.as_bytes()));
    secrets.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_signed_as_there() {
        // Standard Webhooks 1.0.0, libraries' common test vector.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        assert_eq!(hmac_sha256(&key, signed.as_bytes()), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
