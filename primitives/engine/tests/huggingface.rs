//! Configurations of Hugging Face folders.

use dodona_engine::{
	architecture::{
		bert::{self, Activation, Pooling},
		cnn::{self, Layer},
		llama::{self, Biases, RopeScaling},
	},
	golden,
	huggingface::{architecture, Files, FolderError, MAX_CONFIG_LEN},
	Architecture, Class, ConfigFault, EngineError, Field, Real,
};
use proptest::prelude::*;
use serde_json::{json, Map, Value};

/// `{class}` as `save_pretrained` of version 5 writes it, without what does not matter.
fn config(class: &str) -> Value {
	json!({
		"architectures": [class],
		"attention_bias": false,
		"bos_token_id": 1,
		"dtype": "float32",
		"eos_token_id": 2,
		"head_dim": 8,
		"hidden_act": "silu",
		"hidden_size": 48,
		"initializer_range": 0.02,
		"intermediate_size": 96,
		"layer_types": ["full_attention", "full_attention"],
		"max_position_embeddings": 256,
		"max_window_layers": 28,
		"mlp_bias": false,
		"num_attention_heads": 6,
		"num_hidden_layers": 2,
		"num_key_value_heads": 2,
		"pretraining_tp": 1,
		"rms_norm_eps": 1e-5,
		"rope_parameters": { "rope_theta": 500000.0, "rope_type": "default" },
		"sliding_window": null,
		"tie_word_embeddings": false,
		"transformers_version": "5.23.0",
		"use_cache": true,
		"use_sliding_window": false,
		"vocab_size": 1000
	})
}

fn expected() -> llama::Config {
	llama::Config {
		class: Class::F32,
		vocab: 1000,
		hidden: 48,
		intermediate: 96,
		layers: 2,
		heads: 6,
		kv_heads: 2,
		head_dim: 8,
		max_positions: 256,
		rope_theta: Real::new(500_000.0),
		rope_scaling: RopeScaling::None,
		rms_eps: Real::new(1e-5),
		tied: false,
		biases: Biases::default(),
		stop: vec![2].try_into().unwrap(),
	}
}

fn bert_config() -> Value {
	json!({
		"_name_or_path": "nreimers/MiniLM-L6-H384-uncased",
		"architectures": ["BertModel"],
		"attention_probs_dropout_prob": 0.1,
		"gradient_checkpointing": false,
		"hidden_act": "gelu",
		"hidden_size": 384,
		"intermediate_size": 1536,
		"layer_norm_eps": 1e-12,
		"max_position_embeddings": 512,
		"model_type": "bert",
		"num_attention_heads": 12,
		"num_hidden_layers": 6,
		"pad_token_id": 0,
		"position_embedding_type": "absolute",
		"type_vocab_size": 2,
		"vocab_size": 30522
	})
}

/// `config` with some fields set; those of `null` are taken away.
fn with(mut config: Value, fields: Value) -> Value {
	let map = config.as_object_mut().unwrap();
	for (field, value) in fields.as_object().unwrap() {
		match value {
			Value::Null => map.remove(field),
			value => map.insert(field.clone(), value.clone()),
		};
	}
	config
}

fn read(config: &Value) -> Result<Architecture, FolderError> {
	architecture(config.to_string().as_bytes())
}

fn read_llama(config: &Value) -> llama::Config {
	match read(config) {
		Ok(Architecture::Llama(config)) => config,
		other => panic!("{other:?}"),
	}
}

fn read_bert(config: &Value) -> bert::Config {
	match read(config) {
		Ok(Architecture::Bert(config)) => config,
		other => panic!("{other:?}"),
	}
}

/// What is refused, and for asking for what.
fn refused(config: &Value) -> (String, String) {
	match read(config) {
		Err(FolderError::Unsupported { file: "config.json", field, value }) => (field, value),
		other => panic!("{other:?}"),
	}
}

fn pair(field: &str, value: &str) -> (String, String) {
	(field.into(), value.into())
}

#[test]
fn llama_should_be_read_when_it_is_plain() {
	assert_eq!(read_llama(&config("LlamaForCausalLM")), expected());
	let mut by_type = with(config(""), json!({ "architectures": null, "model_type": "llama" }));
	assert_eq!(read_llama(&by_type), expected());
	by_type["model_type"] = "qwen2".into();
	assert!(read_llama(&by_type).biases.qkv);
}

#[test]
fn llama_should_have_the_biases_of_its_class() {
	let biases = |class: &str, fields: Value| read_llama(&with(config(class), fields)).biases;
	let all = json!({ "attention_bias": true, "mlp_bias": true });
	let [qkv, o, mlp] = [true; 3];
	assert_eq!(biases("LlamaForCausalLM", all.clone()), Biases { qkv, o, mlp });
	let attention = Biases { qkv, o, mlp: false };
	assert_eq!(biases("LlamaForCausalLM", json!({ "attention_bias": true })), attention);
	let none = Biases::default();
	assert_eq!(biases("LlamaForCausalLM", json!({ "attention_bias": null })), none);
	// These classes do not read the fields.
	assert_eq!(biases("MistralForCausalLM", all.clone()), none);
	assert_eq!(biases("Qwen2ForCausalLM", all), Biases { qkv, ..none });
}

#[test]
fn llama_should_take_what_is_missing_as_transformers_does() {
	let bare = |class: &str, fields: Value| {
		let fields = with(fields, json!({ "architectures": [class] }));
		read_llama(&fields)
	};
	let llama = bare("LlamaForCausalLM", json!({}));
	assert_eq!((llama.vocab, llama.hidden, llama.intermediate), (32_000, 4096, 11_008));
	assert_eq!((llama.layers, llama.heads, llama.kv_heads), (32, 32, 32));
	assert_eq!((llama.head_dim, llama.max_positions), (128, 2048));
	assert_eq!((llama.rope_theta, llama.rms_eps), (Real::new(1e4), Real::new(1e-6)));
	assert_eq!((llama.tied, &llama.stop[..]), (false, &[2][..]));

	let mistral = bare("MistralForCausalLM", json!({ "sliding_window": 1 << 17 }));
	assert_eq!((mistral.intermediate, mistral.kv_heads), (14_336, 8));
	assert_eq!(mistral.max_positions, 131_072);
	let qwen = bare("Qwen2ForCausalLM", json!({}));
	assert_eq!((qwen.vocab, qwen.intermediate, qwen.kv_heads), (151_936, 22_016, 32));
	assert_eq!((qwen.max_positions, qwen.stop.len()), (32_768, 0));

	let heads = |class: &str, kv_heads: Value| {
		let mut config = config(class);
		config["num_key_value_heads"] = kv_heads;
		config["head_dim"] = Value::Null;
		let config = read_llama(&config);
		(config.kv_heads, config.head_dim)
	};
	assert_eq!(heads("LlamaForCausalLM", Value::Null), (6, 8));
	assert_eq!(heads("MistralForCausalLM", Value::Null), (6, 8));
	assert_eq!(heads("Qwen2ForCausalLM", json!(3)), (3, 8));
}

#[test]
fn llama_should_read_the_rotary_embedding_in_both_forms() {
	let rope = |fields: Value| {
		let config = with(config("LlamaForCausalLM"), json!({ "rope_parameters": null }));
		let config = read_llama(&with(config, fields));
		(config.rope_theta.get(), config.rope_scaling)
	};
	let llama3 = |original_positions| RopeScaling::Llama3 {
		factor: Real::new(8.0),
		low_freq_factor: Real::new(1.0),
		high_freq_factor: Real::new(4.0),
		original_positions,
	};
	let linear = RopeScaling::Linear { factor: Real::new(2.5) };
	let fields = json!({ "rope_type": "llama3", "factor": 8, "low_freq_factor": 1.0,
		"high_freq_factor": 4.0, "original_max_position_embeddings": 64 });

	// Before version 5.
	assert_eq!(rope(json!({})), (1e4, RopeScaling::None));
	assert_eq!(rope(json!({ "rope_theta": 1000000 })), (1e6, RopeScaling::None));
	let old = json!({ "rope_scaling": { "type": "linear", "factor": 2.5 } });
	assert_eq!(rope(old), (1e4, linear));
	let old = json!({ "rope_theta": 5e5, "rope_scaling": fields });
	assert_eq!(rope(old), (5e5, llama3(64)));
	// Since then.
	let new = |fields: Value| json!({ "rope_parameters": fields });
	let theta = json!({ "rope_theta": 7.0 });
	assert_eq!(rope(new(json!({}))), (1e4, RopeScaling::None));
	assert_eq!(rope(new(theta.clone())), (7.0, RopeScaling::None));
	assert_eq!(rope(new(with(fields.clone(), theta.clone()))), (7.0, llama3(64)));
	let scaled = json!({ "rope_theta": 7.0, "rope_type": "linear", "factor": 2.5 });
	assert_eq!(rope(new(scaled)), (7.0, linear));
	// Where both are given.
	let both = with(new(fields.clone()), json!({ "rope_theta": 9.0 }));
	assert_eq!(rope(both), (9.0, llama3(64)));
	let both = with(new(with(fields.clone(), theta)), json!({ "rope_theta": 9.0 }));
	assert_eq!(rope(both), (7.0, llama3(64)));
	let both = json!({ "rope_parameters": fields,
		"rope_scaling": { "rope_type": "linear", "factor": 2.5 } });
	assert_eq!(rope(both), (1e4, linear));
	// The positions of training.
	let without = with(fields.clone(), json!({ "original_max_position_embeddings": null }));
	assert_eq!(rope(new(without)), (1e4, llama3(256)));
	let outside = with(new(fields), json!({ "original_max_position_embeddings": 32 }));
	assert_eq!(rope(outside), (1e4, llama3(32)));
}

#[test]
fn llama_should_be_refused_by_the_name_of_what_the_engine_lacks() {
	let cases = [
		(json!({ "hidden_act": "gelu" }), "hidden_act", "gelu"),
		(json!({ "pretraining_tp": 2 }), "pretraining_tp", "2"),
		(json!({ "partial_rotary_factor": 0.5 }), "partial_rotary_factor", "0.5"),
		(json!({ "auto_map": {} }), "auto_map", "{}"),
		(json!({ "is_encoder_decoder": true }), "is_encoder_decoder", "true"),
		(json!({ "pruned_heads": { "1": [0] } }), "pruned_heads", r#"{"1":[0]}"#),
		(json!({ "quantization_config": {} }), "quantization_config", "{}"),
		(
			json!({ "quantization_config": { "quant_method": "gptq", "bits": 4 } }),
			"quantization_config.quant_method",
			"gptq",
		),
		(
			json!({ "eos_token_id": [1, 2, 3, 4, 5, 6, 7, 8, 9] }),
			"eos_token_id",
			"[1,2,3,4,5,6,7,8,9]",
		),
		(json!({ "architectures": ["GemmaForCausalLM"] }), "architectures", "GemmaForCausalLM"),
		(
			json!({ "architectures": ["LlamaForCausalLM", "BertModel"] }),
			"architectures",
			r#"["LlamaForCausalLM","BertModel"]"#,
		),
		(json!({ "architectures": null, "model_type": "gpt2" }), "model_type", "gpt2"),
	];
	for (fields, field, value) in cases {
		let config = with(config("LlamaForCausalLM"), fields);
		assert_eq!(refused(&config), pair(field, value));
	}
	for kind in ["dynamic", "yarn", "longrope", "su", "mrope", "proportional"] {
		let fields = json!({ "rope_parameters": { "rope_type": kind, "factor": 2.0 } });
		let config = with(config("LlamaForCausalLM"), fields);
		assert_eq!(refused(&config), pair("rope_parameters.rope_type", kind));
		let fields = json!({ "rope_scaling": { "type": kind, "factor": 2.0 } });
		let config = with(self::config("LlamaForCausalLM"), fields);
		assert_eq!(refused(&config), pair("rope_scaling.type", kind));
	}
	let rope = |fields: Value| {
		refused(&with(config("LlamaForCausalLM"), json!({ "rope_parameters": fields })))
	};
	assert_eq!(
		rope(json!({ "partial_rotary_factor": 0.25 })),
		pair("rope_parameters.partial_rotary_factor", "0.25")
	);
	assert_eq!(
		rope(json!({ "full_attention": { "rope_theta": 1.0 } })),
		pair("rope_parameters.full_attention", r#"{"rope_theta":1.0}"#)
	);
	assert_eq!(
		rope(json!({ "mrope_section": [1, 2] })),
		pair("rope_parameters.mrope_section", "[1,2]")
	);
}

#[test]
fn llama_should_be_refused_when_a_window_leaves_something_out() {
	let window = |class: &str, fields: Value| {
		let config = with(config(class), json!({ "layer_types": null }));
		let mut config = config;
		// Null is not the same as not there.
		for (field, value) in fields.as_object().unwrap() {
			config[field] = value.clone();
		}
		read(&config)
	};
	let unsupported = |field: &str, value: &str| {
		let file = "config.json";
		Err(FolderError::Unsupported { file, field: field.into(), value: value.into() })
	};
	let mistral =
		|window_size: Value| window("MistralForCausalLM", json!({ "sliding_window": window_size }));
	assert!(mistral(Value::Null).is_ok());
	assert!(mistral(json!(256)).is_ok());
	assert_eq!(mistral(json!(255)), unsupported("sliding_window", "255"));
	let absent = json!({ "sliding_window": null, "max_position_embeddings": 4097 });
	let absent = with(config("MistralForCausalLM"), absent);
	assert_eq!(refused(&absent), pair("sliding_window", "4096"));

	let qwen = |fields: Value| window("Qwen2ForCausalLM", fields);
	let on = json!({ "use_sliding_window": true, "sliding_window": 16, "max_window_layers": 1 });
	assert_eq!(qwen(on.clone()), unsupported("sliding_window", "16"));
	assert!(qwen(with(on.clone(), json!({ "use_sliding_window": false }))).is_ok());
	assert!(qwen(with(on.clone(), json!({ "max_window_layers": 2 }))).is_ok());
	assert!(qwen(with(on.clone(), json!({ "sliding_window": 256 }))).is_ok());
	let listed = with(on, json!({ "layer_types": ["full_attention", "full_attention"] }));
	assert!(qwen(listed).is_ok());
	let listed = json!({ "layer_types": ["full_attention", "sliding_attention"] });
	assert_eq!(qwen(listed), unsupported("layer_types", "sliding_attention"));
	// The class does not read it.
	assert!(window("LlamaForCausalLM", json!({ "sliding_window": 16 })).is_ok());
}

#[test]
fn llama_should_stop_at_the_tokens_that_the_folder_says() {
	let stop = |fields: Value, generation: Option<Value>| {
		let mut config = config("LlamaForCausalLM");
		for (field, value) in fields.as_object().unwrap() {
			config[field] = value.clone();
		}
		let config = config.to_string();
		let generation = generation.map(|json| json.to_string());
		let files = Files {
			config: config.as_bytes(),
			generation: generation.as_deref().map(str::as_bytes),
			..Files::default()
		};
		match files.architecture() {
			Ok(Architecture::Llama(config)) => config.stop.into_inner(),
			other => panic!("{other:?}"),
		}
	};
	assert_eq!(stop(json!({}), None), [2]);
	assert_eq!(stop(json!({ "eos_token_id": [7, 8] }), None), [7, 8]);
	assert_eq!(stop(json!({ "eos_token_id": null }), None), [0u32; 0]);
	// Tokens that never come.
	assert_eq!(stop(json!({ "eos_token_id": [-1, 999, 1000] }), None), [999]);
	assert_eq!(stop(json!({}), Some(json!({ "eos_token_id": [3, 4] }))), [3, 4]);
	assert_eq!(stop(json!({}), Some(json!({ "temperature": 0.6 }))), [2]);
}

#[test]
fn bert_should_be_read_when_it_is_plain() {
	let expected = bert::Config {
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
	};
	assert_eq!(read_bert(&bert_config()), expected);
	for class in ["BertForMaskedLM", "BertForPreTraining"] {
		assert_eq!(read_bert(&with(bert_config(), json!({ "architectures": [class] }))), expected);
	}
	let bare = read_bert(&json!({ "model_type": "bert" }));
	let base = (bare.hidden, bare.intermediate, bare.layers, bare.heads);
	assert_eq!(base, (768, 3072, 12, 12));
}

#[test]
fn bert_should_read_its_activation() {
	let activation =
		|name: &str| read_bert(&with(bert_config(), json!({ "hidden_act": name }))).activation;
	for (name, expected) in [
		("gelu", Activation::Gelu),
		("gelu_python", Activation::Gelu),
		("gelu_new", Activation::GeluTanh),
		("gelu_fast", Activation::GeluTanh),
		("gelu_pytorch_tanh", Activation::GeluTanh),
		("relu", Activation::Relu),
		("silu", Activation::Silu),
		("swish", Activation::Silu),
	] {
		assert_eq!(activation(name), expected, "{name}");
	}
}

#[test]
fn bert_should_be_refused_by_the_name_of_what_the_engine_lacks() {
	for (fields, field, value) in [
		(json!({ "hidden_act": "quick_gelu" }), "hidden_act", "quick_gelu"),
		(json!({ "is_decoder": true }), "is_decoder", "true"),
		(json!({ "add_cross_attention": true }), "add_cross_attention", "true"),
		(
			json!({ "position_embedding_type": "relative_key" }),
			"position_embedding_type",
			"relative_key",
		),
		(
			json!({ "architectures": ["BertForSequenceClassification"] }),
			"architectures",
			"BertForSequenceClassification",
		),
	] {
		assert_eq!(refused(&with(bert_config(), fields)), pair(field, value));
	}
}

/// What sentence-transformers has beside `config.json`.
fn sentence(modules: &Value, pooling: &Value) -> Result<(Pooling, bool), FolderError> {
	let [config, modules, pooling] =
		[&bert_config(), modules, pooling].map(|json| json.to_string());
	let files = Files {
		config: config.as_bytes(),
		modules: Some(modules.as_bytes()),
		pooling: Some(pooling.as_bytes()),
		..Files::default()
	};
	match files.architecture()? {
		Architecture::Bert(config) => Ok((config.pooling, config.normalize)),
		other => panic!("{other:?}"),
	}
}

fn modules(kinds: &[&str]) -> Value {
	let module = |kind: &&str| {
		let kind = format!("sentence_transformers.models.{kind}");
		json!({ "idx": 0, "name": "0", "path": "1_Pooling", "type": kind })
	};
	kinds.iter().map(module).collect()
}

fn pooling(fields: Value) -> Value {
	let config = json!({
		"word_embedding_dimension": 384,
		"pooling_mode_cls_token": false,
		"pooling_mode_mean_tokens": false,
		"pooling_mode_max_tokens": false,
		"pooling_mode_mean_sqrt_len_tokens": false
	});
	with(config, fields)
}

#[test]
fn bert_should_pool_as_sentence_transformers_says() {
	let all = modules(&["Transformer", "Pooling", "Normalize"]);
	let mean = pooling(json!({ "pooling_mode_mean_tokens": true }));
	assert_eq!(sentence(&all, &mean), Ok((Pooling::Mean, true)));
	let cls = pooling(json!({ "pooling_mode_cls_token": true }));
	let two = modules(&["Transformer", "Pooling"]);
	assert_eq!(sentence(&two, &cls), Ok((Pooling::Cls, false)));
	assert_eq!(sentence(&two, &json!({ "pooling_mode": "cls" })), Ok((Pooling::Cls, false)));
	assert_eq!(sentence(&two, &json!({ "pooling_mode": "mean" })), Ok((Pooling::Mean, false)));
}

#[test]
fn bert_should_be_refused_when_the_engine_lacks_what_comes_after() {
	let mean = pooling(json!({ "pooling_mode_mean_tokens": true }));
	let unsupported = |file: &'static str, field: &str, value: &str| {
		Err(FolderError::Unsupported { file, field: field.into(), value: value.into() })
	};
	let dense = modules(&["Transformer", "Pooling", "Dense"]);
	assert_eq!(sentence(&dense, &mean), unsupported("modules.json", "type", "Dense"));
	let four = modules(&["Transformer", "Pooling", "Normalize", "Normalize"]);
	assert_eq!(sentence(&four, &mean), unsupported("modules.json", "type", "Normalize"));
	let one = modules(&["Transformer"]);
	assert_eq!(sentence(&one, &mean), unsupported("modules.json", "type", "no Pooling"));

	let two = modules(&["Transformer", "Pooling"]);
	let file = "1_Pooling/config.json";
	let max = pooling(json!({ "pooling_mode_max_tokens": true }));
	assert_eq!(sentence(&two, &max), unsupported(file, "pooling_mode_max_tokens", "true"));
	let both = with(mean, json!({ "pooling_mode_cls_token": true }));
	let refused = sentence(&two, &both);
	assert_eq!(refused, unsupported(file, "pooling_mode_mean_tokens", "true"));
	let last = json!({ "pooling_mode": "lasttoken" });
	assert_eq!(sentence(&two, &last), unsupported(file, "pooling_mode", "lasttoken"));
	let mut elsewhere = two.clone();
	elsewhere[1]["path"] = "2_Pooling".into();
	let refused = sentence(&elsewhere, &pooling(json!({ "pooling_mode_mean_tokens": true })));
	assert_eq!(refused, unsupported("modules.json", "path", "2_Pooling"));
	let [config, modules] = [bert_config(), two.clone()].map(|json| json.to_string());
	let files =
		Files { config: config.as_bytes(), modules: Some(modules.as_bytes()), ..Files::default() };
	let refused = files.architecture();
	assert!(matches!(refused, Err(FolderError::Missing { .. })), "{refused:?}");
	let none = sentence(&two, &pooling(json!({})));
	assert!(matches!(none, Err(FolderError::Missing { .. })), "{none:?}");
}

#[test]
fn perceptron_and_cnn_should_be_read() {
	assert_eq!(read(&json!({ "architecture": "mlp", "widths": [3, 2] })), Ok(golden::mlp(&[3, 2])));
	let config = json!({
		"architecture": "cnn",
		"input": [1, 28, 28],
		"quantization_config": { "quant_method": "dodona_q8" },
		"layers": [
			{ "type": "conv2d", "outputs": 6, "kernel": 5, "padding": 2 },
			{ "type": "tanh" },
			{ "type": "avg_pool", "size": 2 },
			{ "type": "conv2d", "outputs": 16, "kernel": 5, "stride": 2 },
			{ "type": "relu" },
			{ "type": "max_pool", "size": 2, "stride": 1 },
			{ "type": "flatten" },
			{ "type": "linear", "outputs": 10 }
		]
	});
	let expected = [
		Layer::Conv2d { outputs: 6, kernel: 5, stride: 1, padding: 2 },
		Layer::Tanh,
		Layer::AvgPool { size: 2, stride: 2 },
		Layer::Conv2d { outputs: 16, kernel: 5, stride: 2, padding: 0 },
		Layer::Relu,
		Layer::MaxPool { size: 2, stride: 1 },
		Layer::Flatten,
		Layer::Linear { outputs: 10 },
	];
	let layers = expected.to_vec().try_into().unwrap();
	let expected = cnn::Config { class: Class::Q8, channels: 1, height: 28, width: 28, layers };
	assert_eq!(read(&config), Ok(Architecture::Cnn(expected)));

	let layer = |layer: Value| read(&with(config.clone(), json!({ "layers": [layer] })));
	let pair = |field: &str| ("config.json", String::from(field));
	match layer(json!({ "type": "conv2d", "outputs": 6 })) {
		Err(FolderError::Missing { file, field }) => {
			assert_eq!((file, field), pair("layers.0.kernel"))
		},
		other => panic!("{other:?}"),
	}
	match layer(json!({ "type": "linear", "outputs": -6 })) {
		Err(FolderError::Malformed { file, field }) => {
			assert_eq!((file, field), pair("layers.0.outputs"));
		},
		other => panic!("{other:?}"),
	}
	match layer(json!({ "type": "dropout" })) {
		Err(FolderError::Unsupported { file, field, value }) => {
			assert_eq!((file, field), pair("layers.0.type"));
			assert_eq!(value, "dropout");
		},
		other => panic!("{other:?}"),
	}
	let many = vec![json!({ "type": "relu" }); 65];
	let many = read(&with(config.clone(), json!({ "layers": many })));
	assert!(matches!(many, Err(FolderError::Malformed { .. })), "{many:?}");
	let unknown = read(&json!({ "architecture": "rnn" }));
	assert!(matches!(unknown, Err(FolderError::Unsupported { .. })), "{unknown:?}");
}

#[test]
fn architecture_should_be_refused_when_it_asks_for_too_much() {
	for class in ["LlamaForCausalLM", "BertModel"] {
		let config = with(
			config(class),
			json!({
				"num_hidden_layers": 1_000_000_000, "layer_types": null, "hidden_act": "silu"
			}),
		);
		match read(&config) {
			Err(FolderError::Engine(EngineError::InvalidConfig(ConfigFault::OutOfBounds {
				field: Field::Layers,
				got: 1_000_000_000,
				..
			}))) => {},
			other => panic!("{other:?}"),
		}
		let config = with(config, json!({ "num_hidden_layers": 10_000_000_000u64 }));
		let malformed =
			Err(FolderError::Malformed { file: "config.json", field: "num_hidden_layers".into() });
		assert_eq!(read(&config), malformed);
	}
}

#[test]
fn config_should_be_refused_when_it_is_no_object() {
	for json in ["", "{", "[]", "1", "{} {}", "\u{feff}{}"] {
		let refused = architecture(json.as_bytes());
		assert!(matches!(refused, Err(FolderError::InvalidJson { .. })), "{json} {refused:?}");
	}
	let deep = "[".repeat(100_000);
	assert!(matches!(architecture(deep.as_bytes()), Err(FolderError::InvalidJson { .. })));
	let long = vec![b' '; MAX_CONFIG_LEN + 1];
	assert_eq!(architecture(&long), Err(FolderError::TooLong { file: "config.json" }));
	let nothing = architecture(b"{}");
	assert!(matches!(nothing, Err(FolderError::Missing { .. })), "{nothing:?}");
}

#[test]
fn error_should_not_carry_what_a_terminal_would_obey() {
	let config = with(bert_config(), json!({ "hidden_act": "\u{1b}[2J".repeat(100) }));
	let said = read(&config).unwrap_err().to_string();
	assert!(said.contains("hidden_act"), "{said}");
	assert!(!said.contains('\u{1b}') && said.len() < 1000, "{said}");
}

fn any_value() -> impl Strategy<Value = Value> {
	let leaf = prop_oneof![
		Just(Value::Null),
		any::<bool>().prop_map(Value::from),
		any::<i64>().prop_map(Value::from),
		(0u64..5000).prop_map(Value::from),
		any::<f64>().prop_map(Value::from),
		"[a-z_]{0,12}".prop_map(Value::from),
		prop::sample::select(vec!["linear", "llama3", "default", "silu", "gelu"])
			.prop_map(Value::from),
	];
	leaf.prop_recursive(2, 8, 4, |inner| {
		prop_oneof![
			prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
			prop::collection::vec(("[a-z_]{0,12}", inner), 0..4)
				.prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
		]
	})
}

proptest! {
	#[test]
	fn config_should_be_valid_or_refused_when_any_of_its_fields_is_anything(
		class in prop::sample::select(
			vec!["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "BertModel"]
		),
		changes in prop::collection::vec((any::<prop::sample::Index>(), any_value()), 0..4),
	) {
		let mut config = config(class);
		config["hidden_act"] = "silu".into();
		let map = config.as_object_mut().unwrap();
		for (at, value) in changes {
			let field = map.keys().nth(at.index(map.len())).unwrap().clone();
			map.insert(field, value);
		}
		match read(&config) {
			Ok(architecture) => prop_assert_eq!(architecture.validate(), Ok(())),
			Err(error) => prop_assert!(!error.to_string().is_empty()),
		}
	}

	#[test]
	fn config_should_not_panic_when_it_is_made_of_any_bytes(
		bytes in prop::collection::vec(any::<u8>(), 0..200),
	) {
		let _ = architecture(&bytes);
		let files = Files { config: br#"{"model_type": "bert"}"#, ..Files::default() };
		let _ = Files { modules: Some(&bytes), ..files }.architecture();
		let _ = Files { pooling: Some(&bytes), ..files }.architecture();
		let _ = Files { generation: Some(&bytes), ..files }.architecture();
	}
}
