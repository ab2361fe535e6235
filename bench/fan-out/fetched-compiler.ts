import { access } from "node:fs/promises";
import { join } from "node:path";
import { CACHE, fetchDebianPackages } from "../../local/debian-packages.ts";

const FOLDER = join(CACHE, "tcc", "usr");

/** glibc's headers drop `__attribute__` for other compilers than gcc and clang: struct epoll_event then has a wrong size. */
const AS_CLANG = ["-D__clang__", "-D__clang_major__=1", "-D__clang_minor__=0"];

/** A compiler, and what it is called with before the sources and after them. */
export interface Compiler {
  readonly path: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * Fetches the Tiny C Compiler and the C library's headers from the packages of Debian or Ubuntu, 5 MB, once. Its programs
 * are slower than those of gcc: enough for tests, too slow for figures.
 *
 * @throws Error of apt-get, also where the system has none.
 */
export async function fetchCompiler(): Promise<Compiler> {
  const path = join(FOLDER, "bin", "tcc");
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere) await fetchDebianPackages("tcc", ["tcc", "libc6-dev", "linux-libc-dev"]);
  const machine = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const [headers, libraries] = [join(FOLDER, "include"), join(FOLDER, "lib", machine)];
  const own = join(libraries, "tcc");
  const include = [join(own, "include"), join(headers, machine), headers].map((folder) => `-I${folder}`);
  const start = ["crt1.o", "crti.o"].map((file) => join(libraries, file));
  // By their paths: the linker script libc.so names folders of an installed system.
  const end = [join("/lib", machine, "libc.so.6"), join(libraries, "libc_nonshared.a"), join(own, "libtcc1.a")];
  return {
    path,
    before: [...AS_CLANG, `-B${own}`, "-nostdinc", ...include, "-nostdlib", ...start],
    after: [...end, join(libraries, "crtn.o")],
  };
}
