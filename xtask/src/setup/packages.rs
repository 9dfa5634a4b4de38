//! Compilers, libraries and tools that come from the system's package manager.

use super::{found, Purpose, Root};
use crate::{
	report::{Failure, Outcome},
	shell::{names, output, version},
};
use std::{
	env,
	path::{Path, PathBuf},
	process::Command,
};

/// Oldest Node.js that the end-to-end tests' client runs on.
const OLDEST_NODE: u32 = 18;

/// Something that has to be there.
struct Need {
	what: &'static str,
	purpose: Purpose,
	/// How it is there, if it is.
	find: fn() -> Option<String>,
	apt: &'static str,
	dnf: &'static str,
	pacman: &'static str,
	brew: &'static str,
}

const NEEDS: &[Need] = &[
	Need {
		what: "a C++ compiler",
		purpose: Purpose::Build,
		find: || version("c++"),
		apt: "g++",
		dnf: "gcc-c++",
		pacman: "gcc",
		brew: "gcc",
	},
	Need {
		what: "make",
		purpose: Purpose::Build,
		find: || version("make"),
		apt: "make",
		dnf: "make",
		pacman: "make",
		brew: "make",
	},
	Need {
		what: "protoc",
		purpose: Purpose::Build,
		find: protoc,
		apt: "protobuf-compiler",
		dnf: "protobuf-compiler",
		pacman: "protobuf",
		brew: "protobuf",
	},
	Need {
		what: "clang",
		purpose: Purpose::Build,
		find: || version("clang"),
		apt: "clang",
		dnf: "clang",
		pacman: "clang",
		brew: "llvm",
	},
	Need {
		what: "libclang",
		purpose: Purpose::Build,
		find: libclang,
		apt: "libclang-dev",
		dnf: "clang-devel",
		pacman: "clang",
		brew: "llvm",
	},
	Need {
		what: "Node.js, 18 or newer",
		purpose: Purpose::Everything,
		find: node,
		apt: "nodejs",
		dnf: "nodejs",
		pacman: "nodejs",
		brew: "node",
	},
	Need {
		what: "npm",
		purpose: Purpose::Everything,
		find: || version("npm"),
		apt: "npm",
		dnf: "npm",
		pacman: "npm",
		brew: "node",
	},
];

/// Finds what is needed; installs what is missing where there is apt-get.
pub fn ensure(purpose: Purpose) -> Outcome<()> {
	let needs = NEEDS
		.iter()
		.filter(|need| purpose == Purpose::Everything || need.purpose == purpose);
	let mut missing = Vec::new();
	for need in needs {
		match (need.find)() {
			Some(how) => found(need.what, &how),
			None => {
				println!("    missing: {}", need.what);
				missing.push(need);
			},
		}
	}
	if missing.is_empty() {
		return Ok(());
	}
	let packages = |name: fn(&Need) -> &str| -> Vec<String> {
		let mut all: Vec<String> = missing.iter().map(|need| name(need).to_owned()).collect();
		all.dedup();
		all
	};
	if version("apt-get").is_none() {
		let what: Vec<&str> = missing.iter().map(|need| need.what).collect();
		return Err(Failure::new(
			format!("missing: {}", what.join(", ")),
			format!(
				"install it and try again:\n\
				 Fedora:  sudo dnf install {}\n\
				 Arch:    sudo pacman -S {}\n\
				 macOS:   brew install {}",
				packages(|need| need.dnf).join(" "),
				packages(|need| need.pacman).join(" "),
				packages(|need| need.brew).join(" "),
			),
		));
	}
	let packages = packages(|need| need.apt);
	Root::get(&format!("sudo apt-get install {}", packages.join(" ")))?.apt_install(&packages)?;
	match missing.iter().find(|need| (need.find)().is_none()) {
		None => Ok(()),
		Some(need) => Err(Failure::new(
			format!("{} is still not there, although `{}` is installed", need.what, need.apt),
			"is it too old, or not in PATH? Install it by hand and try again",
		)),
	}
}

fn protoc() -> Option<String> {
	let named = env::var("PROTOC").ok();
	version(named.as_deref().unwrap_or("protoc"))
}

fn node() -> Option<String> {
	let version = version("node")?;
	let major: u32 = version.strip_prefix('v')?.split('.').next()?.parse().ok()?;
	(major >= OLDEST_NODE).then_some(version)
}

/// The library itself: `clang` without it is not enough for RocksDB's bindings.
fn libclang() -> Option<String> {
	let mut folders: Vec<PathBuf> = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
		.into_iter()
		.chain(["/opt/homebrew/opt/llvm/lib", "/usr/local/opt/llvm/lib"])
		.map(PathBuf::from)
		.collect();
	folders.extend(env::var_os("LIBCLANG_PATH").map(PathBuf::from));
	let usr = Path::new("/usr/lib");
	for name in names(usr) {
		// Debian: one folder for each version of LLVM, one for each machine.
		if name.starts_with("llvm") {
			folders.push(usr.join(&name).join("lib"));
		} else if name.ends_with("-linux-gnu") {
			folders.push(usr.join(&name));
		}
	}
	folders.extend(output(Command::new("llvm-config").arg("--libdir")).map(PathBuf::from));
	folders.into_iter().find_map(|folder| {
		let library = names(&folder).into_iter().find(|name| is_libclang(name))?;
		Some(folder.join(library).display().to_string())
	})
}

fn is_libclang(name: &str) -> bool {
	let is_library = name.contains(".so") || name.ends_with(".dylib");
	(name.starts_with("libclang.") || name.starts_with("libclang-"))
		&& !name.starts_with("libclang-cpp")
		&& is_library
}

#[cfg(test)]
mod tests {
	use super::is_libclang;

	#[test]
	fn libclang_should_be_told_from_its_neighbours() {
		for name in ["libclang.so", "libclang.so.1", "libclang-14.so.14.0.6", "libclang.dylib"] {
			assert!(is_libclang(name), "{name}");
		}
		for name in ["libclang-cpp.so.14", "libclang_rt.asan.so", "libclang.a", "libc.so.6"] {
			assert!(!is_libclang(name), "{name}");
		}
	}
}
