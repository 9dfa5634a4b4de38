//! A toolchain that can build the runtime.
//!
//! The target is a download of rustup's. Where rustup can't download, Debian's package of the
//! compiler and its sources will do: `core` and `alloc` are built from them once, and installed.

use super::{found, Root};
use crate::{
	report::{Failure, Outcome},
	shell::{self, names, output},
};
use std::{
	env, fs,
	path::{Path, PathBuf},
	process::Command,
};

const TARGET: &str = "wasm32v1-none";
/// The rustup name of Debian's toolchain.
const DEBIAN: &str = "web";
/// Where Debian's toolchain lives.
const DEBIAN_SYSROOT: &str = "/usr";
const LIBRARIES: [&str; 3] = ["libcore-", "liballoc-", "libcompiler_builtins-"];

/// Finds or installs the target. Returns the toolchain to build with, unless it is the default.
pub fn ensure() -> Outcome<Option<String>> {
	let ours = sysroot(&mut Command::new("rustc")).ok_or_else(|| {
		Failure::new("rustc doesn't run", "install Rust: https://rustup.rs, or Debian's rustc-web")
	})?;
	if has_target(&ours) {
		found(TARGET, &format!("in {}", ours.display()));
		return Ok(None);
	}
	if let Ok(named) = env::var("WASM_BUILD_TOOLCHAIN") {
		if toolchain(&named).is_some_and(|sysroot| has_target(&sysroot)) {
			found(TARGET, &format!("in the toolchain {named}, as WASM_BUILD_TOOLCHAIN says"));
			return Ok(None);
		}
		return Err(Failure::new(
			format!("the toolchain {named}, which WASM_BUILD_TOOLCHAIN names, lacks {TARGET}"),
			format!("rustup target add {TARGET} --toolchain {named}\nor unset the variable"),
		));
	}
	if toolchain(DEBIAN).is_some_and(|sysroot| has_target(&sysroot)) {
		found(TARGET, &format!("in the toolchain {DEBIAN}"));
		return Ok(Some(DEBIAN.into()));
	}
	let with_rustup = shell::version("rustup").is_some();
	if with_rustup {
		let mut add = Command::new("rustup");
		add.args(["target", "add", TARGET]);
		if shell::run(&mut add, "").is_ok() && has_target(&ours) {
			return Ok(None);
		}
		println!("    rustup can't download it here");
	}
	if !Path::new("/etc/debian_version").exists() {
		return Err(Failure::new(
			format!("the target {TARGET} is missing"),
			format!(
				"rustup target add {TARGET}\n\
				 Without a way to rustup's downloads: build `core` and `alloc` for {TARGET} from \
				 your distribution's sources of Rust and install them in its sysroot."
			),
		));
	}
	println!("    building it from Debian's sources of the compiler");
	from_debian(&ours)?;
	// Where Debian's is the default toolchain, nothing has to be chosen.
	if ours == Path::new(DEBIAN_SYSROOT) || !with_rustup {
		return Ok(None);
	}
	shell::run(
		Command::new("rustup").args(["toolchain", "link", DEBIAN, DEBIAN_SYSROOT]),
		"is there a toolchain of that name? `rustup toolchain uninstall web` makes room",
	)?;
	Ok(Some(DEBIAN.into()))
}

/// Where a compiler keeps its libraries.
fn sysroot(rustc: &mut Command) -> Option<PathBuf> {
	output(rustc.args(["--print", "sysroot"])).map(PathBuf::from)
}

/// The same for one of rustup's toolchains.
fn toolchain(name: &str) -> Option<PathBuf> {
	sysroot(Command::new("rustup").args(["run", name, "rustc"]))
}

fn libraries(sysroot: &Path) -> PathBuf {
	sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn has_target(sysroot: &Path) -> bool {
	let there = names(&libraries(sysroot));
	LIBRARIES
		.iter()
		.all(|library| there.iter().any(|name| name.starts_with(library)))
}

/// Debian's compiler, for what is not the workspace's own.
fn debian(program: &str) -> Command {
	let mut command = Command::new(Path::new("/usr/bin").join(program));
	// Set by the cargo that runs us, for its own compiler.
	for variable in ["LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER", "RUSTFLAGS"] {
		command.env_remove(variable);
	}
	command.env("RUSTC", "/usr/bin/rustc");
	command
}

/// Installs Debian's toolchain, its linker for Wasm, and the target, each unless it is there.
fn from_debian(ours: &Path) -> Outcome<()> {
	let sysroot = Path::new(DEBIAN_SYSROOT);
	let packages = ["rustc-web", "rust-web-src", "cargo-web"].map(String::from);
	let root = Root::get(&format!(
		"sudo apt-get install {} lld-22\nsudo cargo xtask setup",
		packages.join(" ")
	))?;
	if !sysroot.join("lib/rustlib/src/rust/library/core").exists()
		|| output(debian("cargo").arg("--version")).is_none()
	{
		root.apt_install(&packages)?;
	}
	let about = output(debian("rustc").arg("-vV")).unwrap_or_default();
	let line = |key: &str| about.lines().find_map(|line| line.strip_prefix(key)).map(str::to_owned);
	let host = line("host: ").ok_or_else(|| {
		Failure::new("/usr/bin/rustc doesn't run", "apt-get install --reinstall rustc-web")
	})?;
	let bin = |sysroot: &Path| sysroot.join("lib/rustlib").join(&host).join("bin/rust-lld");
	let linker = bin(sysroot);
	if !linker.exists() {
		let mut known = bin(ours);
		if !known.exists() {
			// As new as the compiler: an older one may not know all that it emits.
			let llvm = line("LLVM version: ").unwrap_or_default();
			let major = llvm.split('.').next().unwrap_or_default().to_owned();
			root.apt_install(&[format!("lld-{major}")])?;
			known = PathBuf::from(format!("/usr/bin/lld-{major}"));
		}
		let advice = "the message above says why";
		let folder = linker.parent().unwrap_or(sysroot);
		shell::run(root.command("mkdir").arg("-p").arg(folder), advice)?;
		shell::run(root.command("ln").arg("-sfn").arg(known).arg(&linker), advice)?;
	}
	let workshop = env::temp_dir().join(format!("dodona-{TARGET}-{}", std::process::id()));
	let built = build_core(&workshop).and_then(|built| {
		let folder = libraries(sysroot);
		let advice = "the message above says why";
		shell::run(root.command("mkdir").arg("-p").arg(&folder), advice)?;
		shell::run(root.command("cp").args(built).arg(&folder), advice)
	});
	// Nothing depends on it; a leftover in the temporary folder is no failure.
	let _ = fs::remove_dir_all(&workshop);
	built
}

/// Builds the target's libraries in `workshop`; returns where they are.
fn build_core(workshop: &Path) -> Outcome<Vec<PathBuf>> {
	let write = || {
		fs::create_dir_all(workshop.join("src"))?;
		fs::write(
			workshop.join("Cargo.toml"),
			"[package]\nname = \"core-for-wasm\"\nedition = \"2021\"\n\n[workspace]\n",
		)?;
		fs::write(workshop.join("src/lib.rs"), "#![no_std]\nextern crate alloc;\n")
	};
	write().map_err(|error: std::io::Error| {
		Failure::new(
			format!("can't write to {}: {error}", workshop.display()),
			"make room there, or set TMPDIR",
		)
	})?;
	let mut build = debian("cargo");
	build.current_dir(workshop).env("RUSTC_BOOTSTRAP", "1");
	build.args(["build", "--release", "--target", TARGET, "-Zbuild-std=core,alloc"]);
	build.arg("--target-dir").arg(workshop.join("target"));
	shell::run(&mut build, "it needs a few crates of the index: is the machine on a network?")?;
	let folder = workshop.join("target").join(TARGET).join("release/deps");
	let built: Vec<PathBuf> = names(&folder)
		.into_iter()
		.filter(|name| name.ends_with(".rlib"))
		.filter(|name| LIBRARIES.iter().any(|library| name.starts_with(library)))
		.map(|name| folder.join(name))
		.collect();
	if built.len() == LIBRARIES.len() {
		return Ok(built);
	}
	Err(Failure::new(
		format!("{} libraries were built where {} were expected", built.len(), LIBRARIES.len()),
		format!("look into {} and report it", folder.display()),
	))
}
