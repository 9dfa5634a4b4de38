//! Builds the runtime's Wasm, as compact and compressed as a relay chain takes it.

#[cfg(feature = "std")]
fn main() {
	use std::{env, path::Path};

	// The builder looks for the lock file above the target directory, which may be anywhere.
	if env::var_os("WASM_BUILD_WORKSPACE_HINT").is_none() {
		let manifest_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
		let workspace = Path::new(&manifest_dir).parent().expect("the runtime is in the workspace");
		env::set_var("WASM_BUILD_WORKSPACE_HINT", workspace);
	}
	if env::var_os("WASM_BUILD_TYPE").is_none() {
		// In the `dev` profile the builder would leave the Wasm as it comes from the linker: several
		// times larger, and not what a relay chain runs.
		env::set_var("WASM_BUILD_TYPE", "release");
		// Optimising across crates takes minutes of every change, and a target with bitcode, which
		// Debian's is not. A release is built with `WASM_BUILD_TYPE=production`, which does it.
		if env::var_os("CARGO_PROFILE_RELEASE_LTO").is_none() {
			env::set_var("CARGO_PROFILE_RELEASE_LTO", "off");
		}
	}
	// Compiled in one piece, the engine is up to a seventh faster: small functions that its loops call,
	// some of them the library's, are inlined. The other crates would only compile for longer.
	const ENGINE: &str = "--config=profile.release.package.dodona-engine.codegen-units=1";
	let arguments = env::var("WASM_BUILD_CARGO_ARGS").unwrap_or_default();
	env::set_var("WASM_BUILD_CARGO_ARGS", format!("{arguments} {ENGINE}"));
	// Clippy's driver belongs to the toolchain of the workspace, not to the one that builds the Wasm.
	env::remove_var("RUSTC_WORKSPACE_WRAPPER");
	// Cargo tells a build script its crate's features in variables, and does not take from the build
	// scripts of the Wasm's dependencies what they inherit: they would think that `std` is on.
	for feature in ["CARGO_FEATURE_STD", "CARGO_FEATURE_DEFAULT"] {
		env::remove_var(feature);
	}
	for variable in ["WASM_BUILD_WORKSPACE_HINT", "WASM_BUILD_TYPE", "CARGO_PROFILE_RELEASE_LTO"] {
		println!("cargo:rerun-if-env-changed={variable}");
	}

	let builder = substrate_wasm_builder::WasmBuilder::init_with_defaults();
	#[cfg(feature = "metadata-hash")]
	let builder = builder.enable_metadata_hash("DONA", 12);
	builder.build();
}

#[cfg(not(feature = "std"))]
fn main() {}
