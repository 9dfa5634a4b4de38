//! The engine and its node.

use super::*;

const KEYS: [&str; 2] = ["dodona/rpc", "dodona/engine"];

fn stored(stock: &Mutex<Stock>, key: &str) -> Option<String> {
	stock.lock().storage.get(key).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn node_should_be_told_again_when_it_is_started_again() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let address = peer.address;
	let told = [format!("http://{address}"), engine.url.clone()].map(Some);
	engine.until("/node/announced", true).await;
	assert_eq!(KEYS.map(|key| stored(&peer.stock, key)), told);

	peer.stop().await;
	engine.until("/node/announced", false).await;
	let peer = Peer::start_at(address, Arc::default()).await;
	let stock = peer.stock.clone();
	until("the node is told again", || stored(&stock, KEYS[1]).is_some()).await;
	assert_eq!(KEYS.map(|key| stored(&peer.stock, key)), told);

	// The same connection serves chunks.
	let architecture = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 1));
	assert!(matches!(engine.end(&asked).await, Progress::Done(_)));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_should_serve_when_the_node_does_not_let_it_announce() {
	let stock = Arc::new(Mutex::new(Stock { safe: true, ..Stock::default() }));
	let (peer, folder) = (Peer::start_at(LOOPBACK, stock).await, Folder::new());
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	let architecture = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 1));
	assert!(matches!(engine.end(&asked).await, Progress::Done(_)));
	assert_eq!(engine.status("/node/announced").await, Value::from(false));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_unavailable_when_the_node_is_away() {
	let (peer, folder) = (Peer::start().await, Folder::new());
	let architecture = golden::mlp(&[3, 5, 2]);
	let bytes = golden::artifact(&architecture, 1, 1.0).expect("it is sound");
	let asked = job(&architecture, peer.store(&bytes), golden::input(&architecture, 1));
	let engine = Engine::start(&peer, &folder, |_| ()).await;
	engine.until("/node/announced", true).await;
	let (address, stock) = (peer.address, peer.stock.clone());
	peer.stop().await;
	let reason = engine.unavailable(&asked).await;
	assert!(reason.contains(&format!("no answer from the node at ws://{address}")), "{reason}");
	// What was not there may be later.
	let peer = Peer::start_at(address, stock).await;
	assert!(matches!(engine.end(&asked).await, Progress::Done(_)));
	engine.stop().await;
	peer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn server_should_not_start_when_the_nodes_address_is_no_web_socket() {
	let folder = Folder::new();
	let options = Options::new("http://127.0.0.1:9944".into(), folder.0.clone());
	let Err(error) = Server::start(options).await else { panic!("it is not an address") };
	assert!(error.to_string().contains("ws://127.0.0.1:9944"), "{error}");
}
