// Two texts that grew from one: both kept. Where they changed the same place, one stands after the other.

interface Change {
  from: number;
  to: number;
  text: string;
}

/** What turned `base` into `text`, as one replaced stretch. */
function change(base: string, text: string): Change {
  const shorter = Math.min(base.length, text.length);
  let from = 0;
  while (from < shorter && base[from] === text[from]) from++;
  let end = 0;
  while (end < shorter - from && base[base.length - 1 - end] === text[text.length - 1 - end]) end++;
  return { from, to: base.length - end, text: text.slice(from, text.length - end) };
}

const apply = (base: string, { from, to, text }: Change) => base.slice(0, from) + text + base.slice(to);

/** `ours` and `theirs`, both written on `base`, as one text that holds all that either added. */
export function join(base: string, ours: string, theirs: string): string {
  if (ours === theirs || theirs === base) return ours;
  if (ours === base) return theirs;
  const [one, other] = [change(base, ours), change(base, theirs)];
  if (one.to < other.from) return apply(apply(base, other), one);
  if (other.to < one.from) return apply(apply(base, one), other);
  if (ours.includes(theirs)) return ours;
  if (theirs.includes(ours)) return theirs;
  // The same place: what was there before comes once, then theirs, then ours.
  const [from, to] = [Math.min(one.from, other.from), Math.max(one.to, other.to)];
  const widened = ({ from: start, to: stop, text }: Change) => base.slice(from, start) + text + base.slice(stop, to);
  const gap = from > 0 && base[from - 1] !== "\n" ? "\n" : "";
  return `${base.slice(0, from)}${widened(other)}${gap || "\n"}${widened(one)}${base.slice(to)}`;
}
