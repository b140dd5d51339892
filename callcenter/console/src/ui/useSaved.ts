// Writing something and then showing the lists it is in anew; errors are told in the server's own sentence.
import { useMutation } from "@tanstack/react-query";
import { App } from "antd";

import { queries } from "../live/queries";
import { half } from "./half";

export function useSaved<V, T>(path: string, write: (values: V) => Promise<T>, then?: (saved: T) => void) {
  const { message } = App.useApp();
  return useMutation({
    mutationFn: write,
    onSuccess: (saved) => {
      void queries.invalidateQueries({ predicate: ({ queryKey }) => String(queryKey[0]).startsWith(path) });
      then?.(saved);
    },
    onError: (error) => void message.error(half(error.message), 6),
  });
}
