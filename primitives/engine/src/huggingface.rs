//! A Hugging Face folder's configuration, as an [`Architecture`].
//!
//! What decides an answer is read; what the engine has no arithmetic for is refused with the
//! field's name, never passed over. Fields that only concern training or speed, and those that
//! `transformers` itself does not read for the class, are left alone. A field that is not there
//! means what it means to `transformers`.

use crate::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn,
		llama::{self, Biases, RopeScaling},
		mlp, Class,
	},
	real::Real,
	Architecture, EngineError,
};
use alloc::{
	borrow::ToOwned,
	format,
	string::{String, ToString},
	vec::Vec,
};
use bounded_collections::BoundedVec;
use core::fmt;
use serde_json::{Map, Value};

/// Longest file that is read, in bytes.
pub const MAX_CONFIG_LEN: usize = 1024 * 1024;
/// The `quant_method` of class `Q8`, in `quantization_config`.
pub const Q8_METHOD: &str = "dodona_q8";

const QUANTIZATION: &str = "quantization_config";
const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
const MODULES: &str = "modules.json";
const POOLING: &str = "1_Pooling/config.json";
const POOLING_FOLDER: &str = "1_Pooling";

/// The files of a folder that say what its weights are for.
#[derive(Clone, Copy, Default)]
pub struct Files<'a> {
	/// `config.json`.
	pub config: &'a [u8],
	/// `generation_config.json`: its stop tokens go before those of `config.json`.
	pub generation: Option<&'a [u8]>,
	/// `modules.json` of sentence-transformers.
	pub modules: Option<&'a [u8]>,
	/// `1_Pooling/config.json` of sentence-transformers.
	pub pooling: Option<&'a [u8]>,
}

/// Why a folder can't be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FolderError {
	/// A file is longer than the engine reads.
	TooLong {
		/// The file.
		file: &'static str,
	},
	/// A file is not JSON of the right form.
	InvalidJson {
		/// The file.
		file: &'static str,
		/// What is wrong.
		why: String,
	},
	/// A field is not there, and nothing can be assumed.
	Missing {
		/// The file.
		file: &'static str,
		/// The field.
		field: String,
	},
	/// A field has a value that makes no sense.
	Malformed {
		/// The file.
		file: &'static str,
		/// The field.
		field: String,
	},
	/// A field asks for something that the engine lacks.
	Unsupported {
		/// The file.
		file: &'static str,
		/// The field.
		field: String,
		/// What it asks for.
		value: String,
	},
	/// The engine refuses the configuration.
	Engine(EngineError),
}

impl From<EngineError> for FolderError {
	fn from(error: EngineError) -> Self {
		Self::Engine(error)
	}
}

impl fmt::Display for FolderError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::TooLong { file } => write!(f, "{file} has more than {MAX_CONFIG_LEN} bytes"),
			Self::InvalidJson { file, why } => {
				write!(f, "{file} can't be read: {}", why.escape_debug())
			},
			Self::Missing { file, field } => {
				write!(f, "{file} lacks `{}`", field.escape_debug())
			},
			Self::Malformed { file, field } => {
				write!(f, "`{}` in {file} makes no sense", field.escape_debug())
			},
			Self::Unsupported { file, field, value } => write!(
				f,
				"`{}` in {file} asks for `{}`, which the engine lacks",
				field.escape_debug(),
				value.escape_debug()
			),
			Self::Engine(error) => error.fmt(f),
		}
	}
}

impl core::error::Error for FolderError {}

type Result<T> = core::result::Result<T, FolderError>;

/// What a folder with only this `config.json` is a model of.
pub fn architecture(config: &[u8]) -> Result<Architecture> {
	Files { config, ..Files::default() }.architecture()
}

impl Files<'_> {
	/// What the folder is a model of: valid, or an error.
	pub fn architecture(&self) -> Result<Architecture> {
		let json = parse_object(CONFIG, self.config)?;
		let config = Object { file: CONFIG, path: String::new(), map: &json };
		let architecture = match config.family()? {
			Family::Llama(kind) => Architecture::Llama(self.llama(&config, kind)?),
			Family::Bert => Architecture::Bert(self.bert(&config)?),
			Family::Mlp => Architecture::Mlp(mlp(&config)?),
			Family::Cnn => Architecture::Cnn(cnn(&config)?),
		};
		architecture.validate()?;
		Ok(architecture)
	}

	fn llama(&self, config: &Object<'_>, kind: &Llama) -> Result<llama::Config> {
		if config.size("pretraining_tp", 1)? != 1 {
			return Err(config.unsupported_field("pretraining_tp"));
		}
		config.require_one_of("hidden_act", &["silu", "swish"])?;
		let vocab = config.size("vocab_size", kind.vocab)?;
		let hidden = config.size("hidden_size", 4096)?;
		let layers = config.size("num_hidden_layers", 32)?;
		let heads = config.size("num_attention_heads", 32)?;
		let kv_heads = match config.optional_size("num_key_value_heads")? {
			Some(kv_heads) => kv_heads,
			// Null means as many as there are of the others.
			None if config.map.contains_key("num_key_value_heads") => heads,
			None => kind.kv_heads.unwrap_or(heads),
		};
		let head_dim = match config.optional_size("head_dim")? {
			Some(head_dim) => head_dim,
			None => hidden
				.checked_div(heads)
				.ok_or_else(|| config.malformed("num_attention_heads"))?,
		};
		let max_positions = config.size("max_position_embeddings", kind.max_positions)?;
		require_no_window(config, kind, layers, max_positions)?;
		let (rope_theta, rope_scaling) = rope(config, max_positions)?;
		let biases = match kind.biases {
			Some(biases) => biases,
			None => {
				let attention = config.flag("attention_bias", false)?;
				Biases { qkv: attention, o: attention, mlp: config.flag("mlp_bias", false)? }
			},
		};
		let mut stop = self.stop_tokens(config, kind)?;
		// One that is no token never comes.
		stop.retain(|token| *token < vocab);
		Ok(llama::Config {
			class: config.class()?,
			vocab,
			hidden,
			intermediate: config.size("intermediate_size", kind.intermediate)?,
			layers,
			heads,
			kv_heads,
			head_dim,
			max_positions,
			rope_theta,
			rope_scaling,
			rms_eps: config.real("rms_norm_eps", 1e-6)?,
			tied: config.flag("tie_word_embeddings", false)?,
			biases,
			stop: bounded(stop).ok_or_else(|| config.unsupported_field("eos_token_id"))?,
		})
	}

	/// What ends a generation.
	fn stop_tokens(&self, config: &Object<'_>, kind: &Llama) -> Result<Vec<u32>> {
		const FIELD: &str = "eos_token_id";
		if let Some(json) = self.generation {
			let json = parse_object(GENERATION, json)?;
			let generation = Object { file: GENERATION, path: String::new(), map: &json };
			if let Some(tokens) = generation.tokens(FIELD)? {
				return Ok(tokens);
			}
		}
		if config.map.contains_key(FIELD) {
			return Ok(config.tokens(FIELD)?.unwrap_or_default());
		}
		Ok(kind.stop.to_vec())
	}

	fn bert(&self, config: &Object<'_>) -> Result<bert::Config> {
		config.require_off("is_decoder")?;
		config.require_off("add_cross_attention")?;
		config.require_one_of("position_embedding_type", &["absolute"])?;
		let (pooling, normalize) = self.sentence()?;
		Ok(bert::Config {
			class: config.class()?,
			vocab: config.size("vocab_size", 30_522)?,
			max_positions: config.size("max_position_embeddings", 512)?,
			types: config.size("type_vocab_size", 2)?,
			hidden: config.size("hidden_size", 768)?,
			intermediate: config.size("intermediate_size", 3072)?,
			layers: config.size("num_hidden_layers", 12)?,
			heads: config.size("num_attention_heads", 12)?,
			norm_eps: config.real("layer_norm_eps", 1e-12)?,
			activation: config.activation("gelu")?,
			pooling,
			normalize,
		})
	}

	/// What sentence-transformers does with the encoder's output. Without its files: the mean.
	fn sentence(&self) -> Result<(Pooling, bool)> {
		let Some(modules) = self.modules else { return Ok((self.pooling()?, false)) };
		let malformed = |field: &str| FolderError::Malformed { file: MODULES, field: field.into() };
		let modules = parse(MODULES, modules)?;
		let modules = modules.as_array().ok_or_else(|| malformed("modules"))?;
		for (place, module) in modules.iter().enumerate() {
			let class = module.get("type").and_then(Value::as_str);
			let class = class.ok_or_else(|| malformed("type"))?;
			// Where the class is differs from one version to the next.
			let kind = class.rsplit('.').next().unwrap_or(class);
			if !matches!((place, kind), (0, "Transformer") | (1, "Pooling") | (2, "Normalize")) {
				return Err(unsupported(MODULES, "type", kind));
			}
		}
		// Without a pooling there would be a vector for each token.
		let pooling = modules.get(1).ok_or_else(|| unsupported(MODULES, "type", "no Pooling"))?;
		if let Some(path) = pooling.get("path").and_then(Value::as_str) {
			if path != POOLING_FOLDER {
				return Err(unsupported(MODULES, "path", path));
			}
		}
		if self.pooling.is_none() {
			return Err(FolderError::Missing { file: POOLING, field: "pooling_mode".into() });
		}
		Ok((self.pooling()?, modules.len() > 2))
	}

	fn pooling(&self) -> Result<Pooling> {
		let Some(json) = self.pooling else { return Ok(Pooling::Mean) };
		let json = parse_object(POOLING, json)?;
		let config = Object { file: POOLING, path: String::new(), map: &json };
		if let Some(mode) = config.text("pooling_mode")? {
			return match mode {
				"mean" => Ok(Pooling::Mean),
				"cls" => Ok(Pooling::Cls),
				other => Err(config.unsupported("pooling_mode", other)),
			};
		}
		let mut pooling = None;
		for (field, value) in &json {
			let Some(mode) = field.strip_prefix("pooling_mode_") else { continue };
			if !value.as_bool().ok_or_else(|| config.malformed(field))? {
				continue;
			}
			// Two at once would be put side by side.
			pooling = match (mode, pooling) {
				("mean_tokens", None) => Some(Pooling::Mean),
				("cls_token", None) => Some(Pooling::Cls),
				_ => return Err(config.unsupported(field, "true")),
			};
		}
		pooling.ok_or_else(|| config.missing("pooling_mode_mean_tokens"))
	}
}

/// What a folder's weights are for.
enum Family {
	Llama(&'static Llama),
	Bert,
	Mlp,
	Cnn,
}

/// What classes of llamas differ in, and what `transformers` takes for a field that is not there.
struct Llama {
	vocab: u32,
	intermediate: u32,
	/// As many as there are of the others if there is none.
	kv_heads: Option<u32>,
	max_positions: u32,
	/// Which biases there are, unless the configuration says.
	biases: Option<Biases>,
	window: Window,
	stop: &'static [u32],
}

/// Which layers see only the last tokens.
#[derive(PartialEq)]
enum Window {
	/// None: the class does not read the field.
	Never,
	/// All, if `sliding_window` is not null.
	All,
	/// Those that `layer_types` or `max_window_layers` says, if `use_sliding_window` is set.
	Some,
}

const LLAMA: Llama = Llama {
	vocab: 32_000,
	intermediate: 11_008,
	kv_heads: None,
	max_positions: 2048,
	biases: None,
	window: Window::Never,
	stop: &[2],
};

const MISTRAL: Llama = Llama {
	vocab: 32_000,
	intermediate: 14_336,
	kv_heads: Some(8),
	max_positions: 128 * 1024,
	biases: Some(Biases { qkv: false, o: false, mlp: false }),
	window: Window::All,
	stop: &[2],
};

const QWEN2: Llama = Llama {
	vocab: 151_936,
	intermediate: 22_016,
	kv_heads: Some(32),
	max_positions: 32 * 1024,
	biases: Some(Biases { qkv: true, o: false, mlp: false }),
	window: Window::Some,
	stop: &[],
};

/// Refuses a window that leaves something out.
fn require_no_window(
	config: &Object<'_>,
	kind: &Llama,
	layers: u32,
	max_positions: u32,
) -> Result<()> {
	/// What `transformers` takes for a window that is not there.
	const WINDOW: u32 = 4096;
	const FIELD: &str = "sliding_window";
	if kind.window == Window::Never {
		return Ok(());
	}
	if kind.window == Window::Some {
		if config.get("layer_types").is_some() {
			for layer in config.list("layer_types")? {
				match layer.as_str() {
					Some("full_attention") => {},
					Some(other) => return Err(config.unsupported("layer_types", other)),
					None => return Err(config.malformed("layer_types")),
				}
			}
			return Ok(());
		}
		let first = config.size("max_window_layers", 28)?;
		if !config.flag("use_sliding_window", false)? || first >= layers {
			return Ok(());
		}
	}
	let window = match config.optional_size(FIELD)? {
		Some(window) => window,
		None if config.map.contains_key(FIELD) => return Ok(()),
		None => WINDOW,
	};
	if window < max_positions {
		return Err(config.unsupported(FIELD, &window.to_string()));
	}
	Ok(())
}

/// Base and scaling of the rotary embedding: in `rope_parameters` since version 5 of
/// `transformers`, in `rope_theta` and `rope_scaling` before.
fn rope(config: &Object<'_>, max_positions: u32) -> Result<(Real, RopeScaling)> {
	const THETA: &str = "rope_theta";
	const PARTIAL: &str = "partial_rotary_factor";
	const ORIGINAL: &str = "original_max_position_embeddings";
	config.require_whole(PARTIAL)?;
	let theta = config.real(THETA, 10_000.0)?;
	let mut found = None;
	for field in ["rope_scaling", "rope_parameters"] {
		let Some(value) = config.get(field) else { continue };
		let map = value.as_object().ok_or_else(|| config.malformed(field))?;
		if !map.is_empty() {
			found = Some(Object { file: config.file, path: format!("{field}."), map });
			break;
		}
	}
	let Some(rope) = found else { return Ok((theta, RopeScaling::None)) };
	// One for each type of layer.
	if let Some((field, _)) = rope.map.iter().find(|(_, value)| value.is_object()) {
		return Err(rope.unsupported_field(field));
	}
	rope.require_whole(PARTIAL)?;
	rope.require_absent("mrope_section")?;
	let theta = if rope.get(THETA).is_some() { rope.real(THETA, 0.0)? } else { theta };
	let required = |field: &str| -> Result<Real> {
		rope.get(field).ok_or_else(|| rope.missing(field))?;
		rope.real(field, 0.0)
	};
	let (field, kind) = match rope.text("rope_type")? {
		Some(kind) => ("rope_type", kind),
		None => ("type", rope.text("type")?.unwrap_or("default")),
	};
	let scaling = match kind {
		"default" => RopeScaling::None,
		"linear" => RopeScaling::Linear { factor: required("factor")? },
		"llama3" => RopeScaling::Llama3 {
			factor: required("factor")?,
			low_freq_factor: required("low_freq_factor")?,
			high_freq_factor: required("high_freq_factor")?,
			original_positions: match config.optional_size(ORIGINAL)? {
				Some(original) => original,
				None => rope.size(ORIGINAL, max_positions)?,
			},
		},
		other => return Err(rope.unsupported(field, other)),
	};
	Ok((theta, scaling))
}

fn mlp(config: &Object<'_>) -> Result<mlp::Config> {
	let widths = config.list("widths")?.iter();
	let widths = widths.map(|width| as_size(width).ok_or_else(|| config.malformed("widths")));
	let widths = widths.collect::<Result<Vec<u32>>>()?;
	Ok(mlp::Config { widths: bounded(widths).ok_or_else(|| config.malformed("widths"))? })
}

fn cnn(config: &Object<'_>) -> Result<cnn::Config> {
	let input = config.list("input")?.iter().map(as_size).collect::<Option<Vec<u32>>>();
	let Some(&[channels, height, width]) = input.as_deref() else {
		return Err(config.malformed("input"));
	};
	let mut layers = Vec::new();
	for (place, layer) in config.list("layers")?.iter().enumerate() {
		let path = format!("layers.{place}.");
		let map = layer.as_object().ok_or_else(|| config.malformed(&format!("layers.{place}")))?;
		layers.push(cnn_layer(&Object { file: config.file, path, map })?);
	}
	let layers = bounded(layers).ok_or_else(|| config.malformed("layers"))?;
	Ok(cnn::Config { class: config.class()?, channels, height, width, layers })
}

fn cnn_layer(layer: &Object<'_>) -> Result<cnn::Layer> {
	let kind = layer.text("type")?.ok_or_else(|| layer.missing("type"))?;
	let required = |field: &str| -> Result<u32> {
		let value = layer.get(field).ok_or_else(|| layer.missing(field))?;
		as_size(value).ok_or_else(|| layer.malformed(field))
	};
	// As torch does, a window moves on by its own size unless it is told otherwise.
	let window = || -> Result<(u32, u32)> {
		let size = required("size")?;
		Ok((size, layer.size("stride", size)?))
	};
	Ok(match kind {
		"conv2d" => cnn::Layer::Conv2d {
			outputs: required("outputs")?,
			kernel: required("kernel")?,
			stride: layer.size("stride", 1)?,
			padding: layer.size("padding", 0)?,
		},
		"linear" => cnn::Layer::Linear { outputs: required("outputs")? },
		"max_pool" => {
			let (size, stride) = window()?;
			cnn::Layer::MaxPool { size, stride }
		},
		"avg_pool" => {
			let (size, stride) = window()?;
			cnn::Layer::AvgPool { size, stride }
		},
		"relu" => cnn::Layer::Relu,
		"tanh" => cnn::Layer::Tanh,
		"flatten" => cnn::Layer::Flatten,
		other => return Err(layer.unsupported("type", other)),
	})
}

/// An object of a file, and where in the file it is.
struct Object<'a> {
	file: &'static str,
	/// What goes before a field's name, with its dot.
	path: String,
	map: &'a Map<String, Value>,
}

impl<'a> Object<'a> {
	fn family(&self) -> Result<Family> {
		// Custom code could do anything with these weights.
		self.require_absent("auto_map")?;
		self.require_off("is_encoder_decoder")?;
		if self.get("pruned_heads").is_some_and(|heads| !is_empty(heads)) {
			return Err(self.unsupported_field("pruned_heads"));
		}
		if let Some(name) = self.text("architecture")? {
			return match name {
				"mlp" => Ok(Family::Mlp),
				"cnn" => Ok(Family::Cnn),
				other => Err(self.unsupported("architecture", other)),
			};
		}
		if let Some(classes) = self.get("architectures") {
			return match classes.as_array().map(Vec::as_slice) {
				Some([Value::String(name)]) => match name.as_str() {
					"LlamaForCausalLM" => Ok(Family::Llama(&LLAMA)),
					"MistralForCausalLM" => Ok(Family::Llama(&MISTRAL)),
					"Qwen2ForCausalLM" => Ok(Family::Llama(&QWEN2)),
					"BertModel" | "BertForMaskedLM" | "BertForPreTraining" => Ok(Family::Bert),
					other => Err(self.unsupported("architectures", other)),
				},
				Some([Value::String(_), _, ..]) => Err(self.unsupported_field("architectures")),
				_ => Err(self.malformed("architectures")),
			};
		}
		match self.text("model_type")? {
			Some("llama") => Ok(Family::Llama(&LLAMA)),
			Some("mistral") => Ok(Family::Llama(&MISTRAL)),
			Some("qwen2") => Ok(Family::Llama(&QWEN2)),
			Some("bert") => Ok(Family::Bert),
			Some(other) => Err(self.unsupported("model_type", other)),
			None => Err(self.missing("architectures")),
		}
	}

	/// The numeric class: weights that somebody else quantised are in nobody's class.
	fn class(&self) -> Result<Class> {
		let Some(value) = self.get(QUANTIZATION) else { return Ok(Class::F32) };
		match value.get("quant_method").and_then(Value::as_str) {
			Some(Q8_METHOD) => Ok(Class::Q8),
			Some(other) => Err(self.unsupported("quantization_config.quant_method", other)),
			None => Err(self.unsupported_field(QUANTIZATION)),
		}
	}

	/// The function between the layers of a perceptron. Other names are of the same function with
	/// its operations in another order.
	fn activation(&self, default: &str) -> Result<Activation> {
		match self.text("hidden_act")?.unwrap_or(default) {
			"gelu" | "gelu_python" => Ok(Activation::Gelu),
			"gelu_new" | "gelu_fast" | "gelu_accurate" | "gelu_pytorch_tanh"
			| "gelu_python_tanh" => Ok(Activation::GeluTanh),
			"silu" | "swish" => Ok(Activation::Silu),
			"relu" => Ok(Activation::Relu),
			other => Err(self.unsupported("hidden_act", other)),
		}
	}

	/// The field, unless it is not there or null.
	fn get(&self, field: &str) -> Option<&'a Value> {
		self.map.get(field).filter(|value| !value.is_null())
	}

	fn size(&self, field: &str, default: u32) -> Result<u32> {
		self.optional_size(field).map(|size| size.unwrap_or(default))
	}

	fn optional_size(&self, field: &str) -> Result<Option<u32>> {
		let Some(value) = self.get(field) else { return Ok(None) };
		as_size(value).map(Some).ok_or_else(|| self.malformed(field))
	}

	fn real(&self, field: &str, default: f64) -> Result<Real> {
		let value = match self.get(field) {
			Some(value) => value.as_f64().ok_or_else(|| self.malformed(field))?,
			None => default,
		} as f32;
		if !value.is_finite() {
			return Err(self.malformed(field));
		}
		Ok(Real::new(value))
	}

	/// A token, or several. A negative number stands for none.
	fn tokens(&self, field: &str) -> Result<Option<Vec<u32>>> {
		let Some(value) = self.get(field) else { return Ok(None) };
		let tokens = value.as_array().map_or(core::slice::from_ref(value), Vec::as_slice);
		let tokens = tokens.iter().filter(|token| token.as_i64().is_none_or(|token| token >= 0));
		let tokens = tokens.map(|token| as_size(token).ok_or_else(|| self.malformed(field)));
		tokens.collect::<Result<_>>().map(Some)
	}

	fn flag(&self, field: &str, default: bool) -> Result<bool> {
		let Some(value) = self.get(field) else { return Ok(default) };
		value.as_bool().ok_or_else(|| self.malformed(field))
	}

	fn text(&self, field: &str) -> Result<Option<&'a str>> {
		let Some(value) = self.get(field) else { return Ok(None) };
		value.as_str().map(Some).ok_or_else(|| self.malformed(field))
	}

	fn list(&self, field: &str) -> Result<&'a [Value]> {
		let value = self.get(field).ok_or_else(|| self.missing(field))?;
		value.as_array().map(Vec::as_slice).ok_or_else(|| self.malformed(field))
	}

	fn require_off(&self, field: &str) -> Result<()> {
		if self.flag(field, false)? {
			return Err(self.unsupported(field, "true"));
		}
		Ok(())
	}

	fn require_absent(&self, field: &str) -> Result<()> {
		if self.get(field).is_some() {
			return Err(self.unsupported_field(field));
		}
		Ok(())
	}

	fn require_one_of(&self, field: &str, known: &[&str]) -> Result<()> {
		match self.text(field)? {
			Some(other) if !known.contains(&other) => Err(self.unsupported(field, other)),
			_ => Ok(()),
		}
	}

	fn require_whole(&self, field: &str) -> Result<()> {
		if self.real(field, 1.0)?.get() != 1.0 {
			return Err(self.unsupported_field(field));
		}
		Ok(())
	}

	fn missing(&self, field: &str) -> FolderError {
		FolderError::Missing { file: self.file, field: self.full_name(field) }
	}

	fn malformed(&self, field: &str) -> FolderError {
		FolderError::Malformed { file: self.file, field: self.full_name(field) }
	}

	fn unsupported(&self, field: &str, value: &str) -> FolderError {
		unsupported(self.file, &self.full_name(field), value)
	}

	/// As `unsupported`, with the value that is there.
	fn unsupported_field(&self, field: &str) -> FolderError {
		let value = self.map.get(field).map(Value::to_string).unwrap_or_default();
		self.unsupported(field, &value)
	}

	fn full_name(&self, field: &str) -> String {
		shorten(&format!("{}{field}", self.path))
	}
}

fn unsupported(file: &'static str, field: &str, value: &str) -> FolderError {
	FolderError::Unsupported { file, field: field.to_owned(), value: shorten(value) }
}

/// Enough of `text` to recognise it.
fn shorten(text: &str) -> String {
	text.chars().take(64).collect()
}

fn is_empty(value: &Value) -> bool {
	value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn as_size(value: &Value) -> Option<u32> {
	value.as_u64().and_then(|size| u32::try_from(size).ok())
}

fn bounded<T, S: bounded_collections::Get<u32>>(items: Vec<T>) -> Option<BoundedVec<T, S>> {
	BoundedVec::try_from(items).ok()
}

fn parse(file: &'static str, json: &[u8]) -> Result<Value> {
	if json.len() > MAX_CONFIG_LEN {
		return Err(FolderError::TooLong { file });
	}
	serde_json::from_slice(json)
		.map_err(|error| FolderError::InvalidJson { file, why: error.to_string() })
}

fn parse_object(file: &'static str, json: &[u8]) -> Result<Map<String, Value>> {
	match parse(file, json)? {
		Value::Object(map) => Ok(map),
		_ => Err(FolderError::InvalidJson { file, why: "not an object".into() }),
	}
}
