// Writing something and then showing the lists it is in anew; errors are told in the page's language.
import { useMutation } from "@tanstack/react-query";
import { App } from "antd";

import { queries } from "../live/queries";
import { why } from "./why";

export function useSaved<V, T>(path: string | string[], write: (values: V) => Promise<T>, then?: (saved: T) => void) {
  const { message } = App.useApp();
  return useMutation({
    mutationFn: write,
    onSuccess: (saved) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => [path].flat().some((one) => String(queryKey[0]).startsWith(one)) });
      then?.(saved);
    },
    onError: (error) => void message.error(why(error), 6),
  });
}
