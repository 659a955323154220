/** Something that waits until a test lets it go on: `held` resolves when `release` is called. */
export function latch(): { readonly held: Promise<void>; readonly release: () => void } {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  return { held, release: () => release() };
}
