//! The worker's HTTP, with servers that take their time.

use sp_core::{
	offchain::{
		testing::TestOffchainExt, Duration, Externalities, HttpError, HttpRequestId,
		HttpRequestStatus, OpaqueNetworkState, Timestamp,
	},
	OpaquePeerId,
};

/// The SDK's node for tests, with servers that take as many milliseconds to answer as a header of
/// theirs, `takes`, says.
pub struct SlowServers(pub TestOffchainExt);

impl Externalities for SlowServers {
	fn is_validator(&self) -> bool {
		self.0.is_validator()
	}

	fn network_state(&self) -> Result<OpaqueNetworkState, ()> {
		self.0.network_state()
	}

	fn timestamp(&mut self) -> Timestamp {
		self.0.timestamp()
	}

	fn sleep_until(&mut self, deadline: Timestamp) {
		self.0.sleep_until(deadline)
	}

	fn random_seed(&mut self) -> [u8; 32] {
		self.0.random_seed()
	}

	fn http_request_start(
		&mut self,
		method: &str,
		uri: &str,
		meta: &[u8],
	) -> Result<HttpRequestId, ()> {
		self.0.http_request_start(method, uri, meta)
	}

	fn http_request_add_header(
		&mut self,
		id: HttpRequestId,
		name: &str,
		value: &str,
	) -> Result<(), ()> {
		self.0.http_request_add_header(id, name, value)
	}

	fn http_request_write_body(
		&mut self,
		id: HttpRequestId,
		chunk: &[u8],
		deadline: Option<Timestamp>,
	) -> Result<(), HttpError> {
		self.0.http_request_write_body(id, chunk, deadline)
	}

	fn http_response_wait(
		&mut self,
		ids: &[HttpRequestId],
		deadline: Option<Timestamp>,
	) -> Vec<HttpRequestStatus> {
		let headers = ids.iter().flat_map(|id| self.0.http_response_headers(*id));
		let takes: u64 = headers
			.filter(|(name, _)| name == b"takes")
			.map(|(_, millis)| String::from_utf8(millis).unwrap().parse::<u64>().unwrap())
			.sum();
		let over = self.timestamp().add(Duration::from_millis(takes));
		match deadline.filter(|deadline| *deadline < over) {
			Some(deadline) => {
				self.sleep_until(deadline);
				vec![HttpRequestStatus::DeadlineReached; ids.len()]
			},
			None => {
				self.sleep_until(over);
				self.0.http_response_wait(ids, deadline)
			},
		}
	}

	fn http_response_headers(&mut self, id: HttpRequestId) -> Vec<(Vec<u8>, Vec<u8>)> {
		self.0.http_response_headers(id)
	}

	fn http_response_read_body(
		&mut self,
		id: HttpRequestId,
		buffer: &mut [u8],
		deadline: Option<Timestamp>,
	) -> Result<usize, HttpError> {
		self.0.http_response_read_body(id, buffer, deadline)
	}

	fn set_authorized_nodes(&mut self, nodes: Vec<OpaquePeerId>, authorized_only: bool) {
		self.0.set_authorized_nodes(nodes, authorized_only)
	}
}
