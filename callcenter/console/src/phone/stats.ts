// What arrives and leaves, from RTCPeerConnection.getStats (W3C webrtc-stats): for the page's line quality, and for proof.
export interface LineStats {
  codec: string;
  sent: number;
  received: number;
  lost: number;
  /** Seconds. */
  jitter: number;
  roundTrip: number | null;
}

interface Report {
  type: string;
  kind?: string;
  codecId?: string;
  mimeType?: string;
  packetsSent?: number;
  packetsReceived?: number;
  packetsLost?: number;
  jitter?: number;
  roundTripTime?: number;
}

export async function lineStats(connection: RTCPeerConnection): Promise<LineStats> {
  const found: LineStats = { codec: "", sent: 0, received: 0, lost: 0, jitter: 0, roundTrip: null };
  const all = await connection.getStats();
  all.forEach((report: Report) => {
    if (report.kind !== "audio") return;
    if (report.type === "outbound-rtp") found.sent = report.packetsSent ?? 0;
    if (report.type === "remote-inbound-rtp") found.roundTrip = report.roundTripTime ?? null;
    if (report.type === "inbound-rtp") {
      found.received = report.packetsReceived ?? 0;
      found.lost = report.packetsLost ?? 0;
      found.jitter = report.jitter ?? 0;
      found.codec = (all.get(report.codecId ?? "") as Report | undefined)?.mimeType ?? "";
    }
  });
  return found;
}
