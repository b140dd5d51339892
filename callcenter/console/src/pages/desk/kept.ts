// What is being typed into a form, kept in this tab: a reload, an emergency or the next caller does not take it.
import { useMe } from "./data";

export interface Keeping<T> {
  /** What was typed before; empty when nothing was. */
  typed: Partial<T>;
  keep(values: Partial<T>): void;
  forget(): void;
}

/** The form of that name, e.g. "intake.<call>", of whoever is signed in: the next one at this tab has one of their own. */
export function useKept<T>(name: string): Keeping<T> {
  const place = `callcenter.desk.${name}@${useMe()}`;
  return {
    get typed() {
      try {
        return JSON.parse(sessionStorage.getItem(place) ?? "{}") as Partial<T>;
      } catch {
        return {};
      }
    },
    keep: (values) => {
      try {
        sessionStorage.setItem(place, JSON.stringify(values));
      } catch {
        // A full store must not stop the typing.
      }
    },
    forget: () => sessionStorage.removeItem(place),
  };
}
