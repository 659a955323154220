/** Pull requests. */

export interface PullRequest {
  readonly url: string;
  readonly number: number;
  readonly state: 'open' | 'merged' | 'closed';
  /** The commit that it became on the target. */
  readonly merge_sha: string | null;
}

/** What a forge's programs run under. */
export interface ForgeCall {
  /** BATON_MARK of what is started. */
  readonly mark: string;
  /** Ends what is started, with all its children: a hook that hangs must not hold up who stops or closes. */
  readonly signal: AbortSignal;
}

/**
 * Where pull requests are. Every method rejects with a BatonError that says what to do: no program, not signed in, no remote, no answer in
 * time; or `refused` when its signal came first.
 */
export interface Forge {
  /** Pushes the commit as the branch and opens a pull request for it, or finds the one that is open. */
  open(options: { readonly branch: string; readonly sha: string; readonly target: string; readonly title: string; readonly body: string }, call: ForgeCall): Promise<PullRequest>;
  look(url: string, call: ForgeCall): Promise<PullRequest>;
  /** Merges it, if its head is still this commit. */
  merge(url: string, sha: string, strategy: 'squash' | 'merge', call: ForgeCall): Promise<void>;
  /** Fetches a branch of the remote; returns its head. No branch here moves. */
  fetch(target: string, call: ForgeCall): Promise<string>;
}
