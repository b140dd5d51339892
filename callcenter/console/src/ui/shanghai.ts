// Calendars speak of Shanghai's days and hours, as every time on the pages does, whatever the browser's own clock is.
import dayjs, { type Dayjs } from "dayjs";

const DAY = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai" });

/** Today there, as a calendar takes it. */
export const today = () => dayjs(DAY.format(new Date()));

/** What was chosen in a calendar, as a moment of the API. China has no summer time. */
export const moment = (chosen: Dayjs) => `${chosen.format("YYYY-MM-DDTHH:mm:ss.SSS")}+08:00`;
