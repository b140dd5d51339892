// What keeps a menu from going live.
import type { Schemas } from "../../../api/client";

export function Problems({ of }: { of: Schemas["ProblemView"][] }) {
  return (
    <ul>
      {of.map(({ node, code, text }) => (
        <li key={`${node} ${code} ${text}`}>
          {node && <b>{node}: </b>}
          {text}
        </li>
      ))}
    </ul>
  );
}
