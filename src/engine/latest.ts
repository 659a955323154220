/** Looks at the same thing that may overtake each other: what an older one found never replaces what a newer one has found. */
export class Latest {
  #begun = 0;
  #kept = 0;

  /** Hands what `look` finds to `keep`, unless a later look has been faster; then false. */
  async take<T>(look: () => Promise<T>, keep: (found: T) => void): Promise<boolean> {
    this.#begun += 1;
    const mine = this.#begun;
    const found = await look();
    if (mine < this.#kept) return false;
    this.#kept = mine;
    keep(found);
    return true;
  }
}
