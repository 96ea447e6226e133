//! One POST to an address that a tenant wrote. The name is resolved once, every address it has is checked, and the
//! connection goes to one that was: a name that changes its mind in between finds nobody listening. Nothing is followed
//! (no redirect, no proxy), and of the answer only the status is read.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clew_store::webhook::{Reach, Target};
use futures_util::future::{Either, select};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// From the first look at the name to the answer's status.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there was no answer. Said to the tenant, so it tells nothing of the network that this service stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsent {
    /// The address leads inside.
    #[error("its address is not a public one")]
    Refused,
    /// Nobody knows the name.
    #[error("its name has no address")]
    Unknown,
    /// Nobody answers there.
    #[error("it could not be connected to")]
    Unreachable,
    /// It is not who it should be.
    #[error("its certificate was not accepted, or it does not speak TLS")]
    Tls,
    /// It did not speak HTTP.
    #[error("it did not answer as HTTP does")]
    Http,
    /// It took too long.
    #[error("it did not answer within 10 s")]
    Late,
}

/// Who knows the addresses of names.
enum Names {
    /// The system.
    System,
    /// A test.
    #[cfg(test)]
    Fixed(Vec<SocketAddr>),
}

/// Sends what is told.
pub(crate) struct Sender {
    reach: Reach,
    names: Names,
    tls: Option<TlsConnector>,
}

impl Sender {
    /// Reads the system's certificate authorities; without them no TLS address can be told anything.
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, names: Names::System, tls: tls() }
    }

    /// Posts a JSON body; gives the status of the answer.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: [(&'static str, String); 3],
        body: String,
    ) -> Result<u16, Unsent> {
        let mut request = Request::post(target.path())
            .header(header::HOST, target.authority())
            .header(header::USER_AGENT, "clew")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| Unsent::Http)?;
        timeout(PATIENCE, self.exchange(target, request)).await.unwrap_or(Err(Unsent::Late))
    }

    async fn exchange(&self, target: &Target, request: Request<Full<Bytes>>) -> Result<u16, Unsent> {
        let stream = connect(&self.addresses(target).await?).await?;
        if !target.is_tls() {
            return speak(TokioIo::new(stream), request).await;
        }
        let name = ServerName::try_from(target.host().to_owned()).map_err(|_| Unsent::Tls)?;
        let tls = self.tls.as_ref().ok_or(Unsent::Tls)?;
        let stream = tls.connect(name, stream).await.map_err(|_| Unsent::Tls)?;
        speak(TokioIo::new(stream), request).await
    }

    /// Every address of the target's name, if all of them may be connected to: one that leads inside makes all suspect.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Unsent> {
        let addresses: Vec<SocketAddr> = match &self.names {
            Names::System => {
                lookup_host((target.host(), target.port())).await.map_err(|_| Unsent::Unknown)?.collect()
            }
            #[cfg(test)]
            Names::Fixed(addresses) => addresses.clone(),
        };
        match addresses.iter().all(|address| self.reach.admits(address.ip())) {
            true if addresses.is_empty() => Err(Unsent::Unknown),
            true => Ok(addresses),
            false => Err(Unsent::Refused),
        }
    }
}

fn tls() -> Option<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // Named here, since two providers are in the tree and neither is the default.
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Some(TlsConnector::from(Arc::new(config)))
}

/// Connects to the first that answers, and to nobody else.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Unsent> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(Unsent::Unreachable)
}

async fn speak<S>(stream: S, request: Request<Full<Bytes>>) -> Result<u16, Unsent>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(stream).await.map_err(|_| Unsent::Http)?;
    let answer = match select(pin!(sender.send_request(request)), pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // The connection may end together with the answer that came through it.
        Either::Right((_, answer)) => answer.await,
    };
    answer.map(|answer| answer.status().as_u16()).map_err(|_| Unsent::Http)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    fn here() -> Reach {
        Reach { networks: vec!["127.0.0.0/8".parse().unwrap()], plain_http: true }
    }

    /// Posts to a receiver that gives one answer; with what the receiver has read.
    async fn exchange(answer: &'static str) -> (Result<u16, Unsent>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let receiver = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while !read.ends_with(b"{}") {
                assert!(stream.read_buf(&mut read).await.unwrap() > 0);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(read).unwrap()
        });
        let sender = Sender { reach: here(), names: Names::Fixed(vec![address]), tls: None };
        let target =
            Target::parse(&format!("http://receiver.test:{}/in?x=1", address.port()), &here()).unwrap();
        let headers = [
            ("webhook-id", "i".into()),
            ("webhook-timestamp", "t".into()),
            ("webhook-signature", "s".into()),
        ];
        let status = sender.post(&target, headers, "{}".into()).await;
        (status, receiver.await.unwrap())
    }

    #[tokio::test]
    async fn the_request_is_whole_and_the_answer_s_status_is_all_that_is_read() {
        let (status, read) = exchange("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(status, Ok(204));
        assert!(read.starts_with("POST /in?x=1 HTTP/1.1\r\n"), "{read}");
        for line in
            ["host: receiver.test:", "webhook-id: i", "content-type: application/json", "content-length: 2"]
        {
            assert!(read.contains(line), "{line}: {read}");
        }
        assert_eq!(exchange("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\n\r\n").await.0, Ok(302));
        assert_eq!(exchange("garbage\r\n\r\n").await.0, Err(Unsent::Http));
        assert_eq!(exchange("").await.0, Err(Unsent::Http));
    }

    #[tokio::test]
    async fn a_name_with_any_inner_address_is_refused_unconnected() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = listener.local_addr().unwrap();
        let public: SocketAddr = "192.0.43.8:443".parse().unwrap();
        let mapped = SocketAddr::new("::ffff:192.0.43.8".parse().unwrap(), 443);
        for names in [vec![inner], vec![public, inner], vec![inner, public], vec![public, mapped]] {
            let sender = Sender { reach: Reach::default(), names: Names::Fixed(names), tls: tls() };
            let target = Target::parse("https://rebinding.example.com/", &Reach::default()).unwrap();
            let headers = [("a", "1".into()), ("b", "1".into()), ("c", "1".into())];
            assert_eq!(sender.post(&target, headers, "{}".into()).await, Err(Unsent::Refused));
        }
        let nobody = Sender { reach: here(), names: Names::Fixed(Vec::new()), tls: None };
        let target = Target::parse("https://nobody.example.com/", &here()).unwrap();
        let headers = [("a", "1".into()), ("b", "1".into()), ("c", "1".into())];
        assert_eq!(nobody.post(&target, headers, String::new()).await, Err(Unsent::Unknown));
        listener.set_ttl(64).unwrap();
    }

    #[tokio::test]
    async fn what_does_not_prove_its_name_is_not_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        });
        let sender = Sender { reach: here(), names: Names::Fixed(vec![address]), tls: tls() };
        let target = Target::parse("https://receiver.example.com/", &here()).unwrap();
        let headers = [("a", "1".into()), ("b", "1".into()), ("c", "1".into())];
        assert_eq!(sender.post(&target, headers, "{}".into()).await, Err(Unsent::Tls));
    }
}
