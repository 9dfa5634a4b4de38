//! Chunks by their CIDs from a web server, which may be anybody's.

use dodona_primitives_models::CHUNK_SIZE;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{body::Bytes, header::LOCATION, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
	client::legacy::{connect::HttpConnector, Client},
	rt::TokioExecutor,
};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use std::time::Duration;
use tokio::time::timeout;

/// For how long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often an address may lead to another one.
const MAX_REDIRECTS: usize = 4;

/// A client of web servers.
pub struct Web(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl Web {
	pub fn new() -> Self {
		let tls = ClientConfig::with_platform_verifier();
		let connector = HttpsConnectorBuilder::new()
			.with_tls_config(tls)
			.https_or_http()
			.enable_http1()
			.build();
		Self(Client::builder(TokioExecutor::new()).build(connector))
	}

	/// What is at `<mirror>/<cid>`, if it is no longer than a chunk.
	pub async fn chunk(&self, mirror: &str, cid: &str) -> Result<Vec<u8>, String> {
		let address = format!("{}/{cid}", mirror.trim_end_matches('/'));
		timeout(PATIENCE, self.get(&address))
			.await
			.unwrap_or_else(|_| Err(format!("no answer in {} seconds", PATIENCE.as_secs())))
	}

	async fn get(&self, address: &str) -> Result<Vec<u8>, String> {
		let mut uri: Uri = address.parse().map_err(|error| format!("no address: {error}"))?;
		for _ in 0..=MAX_REDIRECTS {
			let answer =
				self.0.get(uri.clone()).await.map_err(|error| match error.is_connect() {
					true => "no connection".to_owned(),
					false => error.to_string(),
				})?;
			if answer.status().is_redirection() {
				let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
				uri = resolve(&uri, to.ok_or("it leads nowhere")?)?;
				continue;
			}
			if answer.status() != StatusCode::OK {
				return Err(format!("it answers {}", answer.status()));
			}
			let body = Limited::new(answer.into_body(), CHUNK_SIZE as usize);
			return body
				.collect()
				.await
				.map(|body| body.to_bytes().into())
				.map_err(|error| error.to_string());
		}
		Err("it leads from one address to another".into())
	}
}

/// Where `to`, written in the answer from `from`, leads.
fn resolve(from: &Uri, to: &str) -> Result<Uri, String> {
	let to: Uri = to.parse().map_err(|error| format!("it leads to no address: {error}"))?;
	let mut parts = to.into_parts();
	if parts.authority.is_none() {
		parts.authority = from.authority().cloned();
		parts.scheme = from.scheme().cloned();
	}
	if from.scheme_str() == Some("https")
		&& parts.scheme.as_ref().map(|it| it.as_str()) != Some("https")
	{
		return Err("it leads from a safe address to an unsafe one".into());
	}
	Uri::from_parts(parts).map_err(|error| format!("it leads to no address: {error}"))
}

#[cfg(test)]
pub mod tests {
	use super::*;
	use std::{
		collections::BTreeMap,
		io::{BufRead, BufReader, Write},
		net::{SocketAddr, TcpListener, TcpStream},
		sync::{
			atomic::{AtomicBool, Ordering},
			Arc,
		},
		thread::{self, JoinHandle},
	};

	/// A web server that has answers for some paths, until it is dropped.
	pub struct Server {
		address: SocketAddr,
		is_over: Arc<AtomicBool>,
		thread: Option<JoinHandle<()>>,
	}

	impl Server {
		/// Answers with these lines of status and headers, and these bodies.
		pub fn start(answers: BTreeMap<String, (String, Vec<u8>)>) -> Self {
			let listener = TcpListener::bind("127.0.0.1:0").unwrap();
			let address = listener.local_addr().unwrap();
			let is_over = Arc::new(AtomicBool::new(false));
			let answers = Arc::new(answers);
			let over = is_over.clone();
			let accept = move || {
				for stream in listener.incoming().map_while(Result::ok) {
					if over.load(Ordering::SeqCst) {
						return;
					}
					// One that nothing comes from must not keep the others waiting.
					let answers = answers.clone();
					thread::spawn(move || serve(stream, &answers));
				}
			};
			Self { address, is_over, thread: Some(thread::spawn(accept)) }
		}

		pub fn address(&self) -> String {
			format!("http://{}", self.address)
		}
	}

	fn serve(mut stream: TcpStream, answers: &BTreeMap<String, (String, Vec<u8>)>) {
		let Ok(reading) = stream.try_clone() else { return };
		let mut lines = BufReader::new(reading).lines().map_while(Result::ok);
		let request = lines.next().unwrap_or_default();
		let path = request.split(' ').nth(1).unwrap_or_default();
		while lines.next().is_some_and(|line| !line.is_empty()) {}
		let absent = ("404 Not Found".to_owned(), vec![]);
		let (head, body) = answers.get(path).unwrap_or(&absent);
		let length = body.len();
		let head =
			format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
		let _ = stream.write_all(&[head.as_bytes(), body].concat());
	}

	impl Drop for Server {
		fn drop(&mut self) {
			self.is_over.store(true, Ordering::SeqCst);
			let _ = TcpStream::connect(self.address);
			self.thread.take().map(JoinHandle::join);
		}
	}

	pub fn answer(head: &str, body: &[u8]) -> (String, Vec<u8>) {
		(head.into(), body.into())
	}

	#[tokio::test]
	async fn chunk_should_be_what_the_mirror_has_under_its_cid() {
		let most = vec![7; CHUNK_SIZE as usize];
		let answers = [
			("/ipfs/a".to_owned(), answer("200 OK", &most)),
			("/ipfs/long".to_owned(), answer("200 OK", &[&most[..], &[7]].concat())),
			("/ipfs/here".to_owned(), answer("302 Found\r\nLocation: /ipfs/a", b"")),
			("/ipfs/round".to_owned(), answer("301 Moved\r\nLocation: /ipfs/round", b"")),
		];
		let server = Server::start(answers.into());
		let web = Web::new();
		let mirror = format!("{}/ipfs/", server.address());
		let get = |cid| web.chunk(&mirror, cid);
		assert!(get("a").await.unwrap() == most);
		assert!(get("here").await.unwrap() == most);
		assert!(get("b").await.unwrap_err().contains("404"));
		assert!(get("long").await.unwrap_err().contains("limit"));
		assert!(get("round").await.unwrap_err().contains("from one address to another"));
	}

	#[tokio::test]
	async fn chunk_should_be_refused_when_there_is_no_server() {
		let listener = TcpListener::bind("127.0.0.1:0").unwrap();
		let address = listener.local_addr().unwrap();
		drop(listener);
		let web = Web::new();
		assert_eq!(
			web.chunk(&format!("http://{address}"), "a").await.unwrap_err(),
			"no connection"
		);
		assert!(web.chunk("no address", "a").await.is_err());
		assert!(web.chunk("ftp://127.0.0.1", "a").await.is_err());
	}

	#[test]
	fn redirection_should_not_leave_a_safe_address() {
		let from = |uri: &str| uri.parse::<Uri>().unwrap();
		assert_eq!(resolve(&from("https://a/b"), "/c?d").unwrap(), "https://a/c?d");
		assert_eq!(resolve(&from("http://a/b"), "https://c/d").unwrap(), "https://c/d");
		assert!(resolve(&from("https://a/b"), "http://a/b").is_err());
		assert!(resolve(&from("https://a/b"), "file:///etc/passwd").is_err());
	}
}
