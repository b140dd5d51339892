// How loud a stream is, for the device check: 0 … 1, of its last twentieth of a second.
export class Level {
  private source: MediaStreamAudioSourceNode | null = null;
  private readonly analyser: AnalyserNode;
  private readonly wave: Float32Array<ArrayBuffer>;

  constructor(private readonly context: AudioContext) {
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 2048;
    this.analyser.smoothingTimeConstant = 0;
    this.wave = new Float32Array(this.analyser.fftSize);
  }

  listen(stream: MediaStream | null): void {
    this.source?.disconnect();
    this.source = stream?.getAudioTracks().length ? this.context.createMediaStreamSource(stream) : null;
    this.source?.connect(this.analyser);
  }

  /** Root mean square of the samples, full scale is 1. */
  read(): number {
    if (!this.source) return 0;
    this.analyser.getFloatTimeDomainData(this.wave);
    let sum = 0;
    for (const value of this.wave) sum += value * value;
    return Math.sqrt(sum / this.wave.length);
  }

  /** Loudness in dB at these frequencies (Hz): what proves that it is this voice that is heard. */
  at(hertz: number[]): number[] {
    const bins = new Float32Array(this.analyser.frequencyBinCount);
    this.analyser.getFloatFrequencyData(bins);
    const width = this.context.sampleRate / this.analyser.fftSize;
    return hertz.map((wanted) => bins[Math.round(wanted / width)] ?? -Infinity);
  }
}
