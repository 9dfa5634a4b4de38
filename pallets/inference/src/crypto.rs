//! Hot keys: sr25519 keys of type [`HOT_KEY_TYPE`] in the node's keystore.
//!
//! [`HOT_KEY_TYPE`]: dodona_primitives_inference::HOT_KEY_TYPE

use frame_system::offchain::AppCrypto;
use sp_runtime::{MultiSignature, MultiSigner};

/// The application-specific key pair.
mod app {
	use dodona_primitives_inference::HOT_KEY_TYPE;
	use sp_runtime::app_crypto::{app_crypto, sr25519};

	app_crypto!(sr25519, HOT_KEY_TYPE);
}

pub use app::Public;

/// Ties hot keys to the runtime's signatures.
pub struct HotKey;

impl AppCrypto<MultiSigner, MultiSignature> for HotKey {
	type RuntimeAppPublic = app::Public;
	type GenericPublic = sp_core::sr25519::Public;
	type GenericSignature = sp_core::sr25519::Signature;
}
