/** The environment of the programs that Baton starts. */

/** Variables that belong to the program that Baton runs in, and would mislead a child. */
const HOST_ONLY = [
  /^VSCODE_(?!GIT_)/, // the extension host's own wiring; git's questions for a password still reach VS Code
  /^ELECTRON_/, // ELECTRON_RUN_AS_NODE would turn any Electron program into Node
  /^CLAUDECODE$|^CLAUDE_CODE_(ENTRYPOINT|SSE_PORT|SESSION_ID)$/, // Claude refuses to run inside Claude
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE)$/, // set when Baton was started by a git hook
  /^BATON_/,
];

/** This process's environment without what is meant for it alone, and with `layers` on top, the last one winning. */
export function childEnvironment(...layers: Readonly<Record<string, string | undefined>>[]): Record<string, string> {
  return mergeEnvironment(process.env, layers, process.platform === 'win32');
}

/** Windows names are equal without regard to case: `Path` from the system and `PATH` from a configuration are one variable. */
export function mergeEnvironment(
  base: Readonly<Record<string, string | undefined>>,
  layers: readonly Readonly<Record<string, string | undefined>>[],
  ignoreCase: boolean,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value !== undefined && !HOST_ONLY.some((pattern) => pattern.test(name))) result[name] = value;
  }
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer)) {
      if (value === undefined) continue;
      const same = ignoreCase ? Object.keys(result).find((key) => key.toLowerCase() === name.toLowerCase()) : undefined;
      result[same ?? name] = value;
    }
  }
  return result;
}

/** What a shell drops (names that are none in a shell, exported functions, what macOS keeps from /bin/sh) or has a value of its own for. */
const NOT_THROUGH_A_SHELL = /^(?![A-Za-z_]\w*$)|^DYLD_|^(IFS|PPID|PS[124]|OPT(IND|ERR)|LINENO|HISTCMD|S?RANDOM|SECONDS|EPOCH\w+|E?UID|SHELLOPTS|BASH\w*)$/;

/** Whether a program that is started by a shell would not get this environment as it is (but for PWD, which a shell sets right). */
export function shellAlters(env: Readonly<Record<string, string>>): boolean {
  return Object.keys(env).some((name) => NOT_THROUGH_A_SHELL.test(name));
}
