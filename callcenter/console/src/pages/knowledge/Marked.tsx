// A text with what was searched for marked; matches are [from, to) offsets in characters.
export function Marked({ text, matches }: { text: string; matches: number[][] }) {
  const characters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const [from = 0, to = 0] of matches) {
    parts.push(characters.slice(at, from).join(""), <mark key={from}>{characters.slice(from, to).join("")}</mark>);
    at = to;
  }
  parts.push(characters.slice(at).join(""));
  return <>{parts}</>;
}
