//! candle, on the same weights.

use crate::{LanguageModel, Result, Weights};
use candle_core::{DType, Device, Tensor, D};
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, llama};
use dodona_engine::{
	architecture::{bert::Config as BertConfig, llama::Config as LlamaConfig},
	Architecture,
};

/// What candle reads: a file, mapped into memory.
fn variables(weights: &Weights) -> Result<VarBuilder<'static>> {
	let paths = [&weights.path];
	// SAFETY: nobody writes to the file while it is mapped.
	Ok(unsafe { VarBuilder::from_mmaped_safetensors(&paths, DType::F32, &Device::Cpu)? })
}

/// candle's llama.
pub struct Llama {
	llama: llama::Llama,
	config: llama::Config,
	/// An empty one, cloned for each text: it holds the rotation's angles.
	cache: llama::Cache,
}

impl Llama {
	/// Reads the weights.
	pub fn load(weights: &Weights) -> Result<Self> {
		let Architecture::Llama(config) = &weights.architecture else {
			return Err("no language model".into());
		};
		let config = llama_config(config);
		let llama = llama::Llama::load(variables(weights)?, &config)?;
		let cache = llama::Cache::new(true, DType::F32, &config, &Device::Cpu)?;
		Ok(Self { llama, config, cache })
	}

	/// What candle computes.
	pub fn config(&self) -> &llama::Config {
		&self.config
	}

	fn logits(&self, tokens: &[u32], at: usize, cache: &mut llama::Cache) -> Result<Tensor> {
		let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
		Ok(self.llama.forward(&tokens, at, cache)?.squeeze(0)?)
	}
}

impl LanguageModel for Llama {
	fn prefill(&mut self, tokens: &[u32]) -> Result<()> {
		self.logits(tokens, 0, &mut self.cache.clone()).map(drop)
	}

	fn decode(&mut self, first: u32, count: usize) -> Result<Vec<u32>> {
		let mut cache = self.cache.clone();
		let mut tokens = Vec::with_capacity(count);
		let mut token = first;
		for at in 0..count {
			let logits = self.logits(&[token], at, &mut cache)?;
			token = logits.argmax(D::Minus1)?.to_scalar()?;
			tokens.push(token);
		}
		Ok(tokens)
	}
}

fn llama_config(config: &LlamaConfig) -> llama::Config {
	llama::Config {
		hidden_size: config.hidden as usize,
		intermediate_size: config.intermediate as usize,
		vocab_size: config.vocab as usize,
		num_hidden_layers: config.layers as usize,
		num_attention_heads: config.heads as usize,
		num_key_value_heads: config.kv_heads as usize,
		use_flash_attn: false,
		rms_norm_eps: config.rms_eps.get().into(),
		rope_theta: config.rope_theta.get(),
		bos_token_id: None,
		eos_token_id: None,
		rope_scaling: None,
		max_position_embeddings: config.max_positions as usize,
		tie_word_embeddings: config.tied,
	}
}

/// candle's encoder.
pub struct Bert(bert::BertModel);

impl Bert {
	/// Reads the weights.
	pub fn load(weights: &Weights) -> Result<Self> {
		let Architecture::Bert(config) = &weights.architecture else {
			return Err("no encoder".into());
		};
		Ok(Self(bert::BertModel::load(variables(weights)?, &bert_config(config))?))
	}

	/// The mean of the tokens' vectors.
	pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>> {
		let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
		let vectors = self.0.forward(&tokens, &tokens.zeros_like()?, None)?;
		Ok(vectors.mean(1)?.squeeze(0)?.to_vec1()?)
	}
}

fn bert_config(config: &BertConfig) -> bert::Config {
	bert::Config {
		vocab_size: config.vocab as usize,
		hidden_size: config.hidden as usize,
		num_hidden_layers: config.layers as usize,
		num_attention_heads: config.heads as usize,
		intermediate_size: config.intermediate as usize,
		max_position_embeddings: config.max_positions as usize,
		type_vocab_size: config.types as usize,
		layer_norm_eps: config.norm_eps.get().into(),
		..Default::default()
	}
}
