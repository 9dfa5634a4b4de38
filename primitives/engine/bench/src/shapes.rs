//! Models of usual shapes, in class `F32`.

use dodona_engine::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
		llama::{self, Biases, RopeScaling},
	},
	golden, Architecture, Class, Real,
};

/// A language model of 125 million weights.
pub fn llama() -> Architecture {
	Architecture::Llama(llama::Config {
		class: Class::F32,
		vocab: 32_000,
		hidden: 768,
		intermediate: 2048,
		layers: 12,
		heads: 12,
		kv_heads: 4,
		head_dim: 64,
		max_positions: 1024,
		rope_theta: Real::new(10_000.0),
		rope_scaling: RopeScaling::None,
		rms_eps: Real::new(1e-5),
		tied: false,
		biases: Biases::default(),
		stop: Default::default(),
	})
}

/// An encoder like MiniLM.
pub fn bert() -> Architecture {
	Architecture::Bert(bert::Config {
		class: Class::F32,
		vocab: 30_522,
		max_positions: 512,
		types: 2,
		hidden: 384,
		intermediate: 1536,
		layers: 6,
		heads: 12,
		norm_eps: Real::new(1e-12),
		activation: Activation::Gelu,
		pooling: Pooling::Mean,
		normalize: false,
	})
}

/// LeNet-5.
pub fn cnn() -> Architecture {
	let conv = |outputs, padding| Layer::Conv2d { outputs, kernel: 5, stride: 1, padding };
	let pool = Layer::AvgPool { size: 2, stride: 2 };
	let layers = [
		conv(6, 2),
		Layer::Tanh,
		pool,
		conv(16, 0),
		Layer::Tanh,
		pool,
		Layer::Flatten,
		Layer::Linear { outputs: 120 },
		Layer::Tanh,
		Layer::Linear { outputs: 84 },
		Layer::Tanh,
		Layer::Linear { outputs: 10 },
	];
	Architecture::Cnn(cnn::Config {
		class: Class::F32,
		channels: 1,
		height: 28,
		width: 28,
		layers: layers.to_vec().try_into().unwrap_or_default(),
	})
}

/// A perceptron of 1.6 million weights.
pub fn mlp() -> Architecture {
	golden::mlp(&[784, 1024, 768, 10])
}
