// What an operator has on every page: the phone bar, and the emergency that takes the whole screen.
import { useSeatPhone } from "../../phone";

export function SeatFrame() {
  useSeatPhone();
  return null;
}
