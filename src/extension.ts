/** What VS Code calls: builds the parts and registers the views; nothing else happens here. */

export function activate(): void {
  // The surfaces are registered here.
}
