/** Where progress is written: `process.stderr`. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Tells what is being done: in one line that changes on a terminal, else line by line. */
export class Progress {
  constructor(private readonly stream: ProgressStream) {}

  update(text: string): void {
    if (this.stream.isTTY) this.stream.write(`\r\u001b[2K${text} …`);
  }

  done(text: string): void {
    this.stream.write(this.stream.isTTY ? `\r\u001b[2K${text}\n` : `${text}\n`);
  }
}
