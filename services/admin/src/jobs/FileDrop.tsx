import { Button, Group, Paper, Text } from "@mantine/core";
import { IconFile, IconUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { fileSize } from "./figures";

/** A place to drop a file on, or to choose one; says beforehand what it takes. */
export function FileDrop(props: {
  file: File | null;
  onFile: (file: File) => void;
  accept: string;
  /** What is taken, in words: kinds and sizes. */
  takes: string;
  disabled?: boolean;
}) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const take = (files: FileList | null) => {
    const first = files?.[0];
    if (first !== undefined && props.disabled !== true) props.onFile(first);
  };
  return (
    <Paper
      withBorder
      p="lg"
      className="drop"
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <input
        ref={input}
        type="file"
        hidden
        accept={props.accept}
        aria-label="File"
        onChange={(event) => {
          take(event.currentTarget.files);
          event.currentTarget.value = "";
        }}
      />
      <Group gap="md" wrap="nowrap">
        {props.file === null ? (
          <IconUpload size={28} stroke={1.4} aria-hidden />
        ) : (
          <IconFile size={28} stroke={1.4} aria-hidden />
        )}
        <div>
          <Text fw={600}>
            {props.file === null
              ? "Drop a file here"
              : `${props.file.name} · ${fileSize(props.file.size)}`}
          </Text>
          <Text size="sm" c="dimmed">
            {props.takes}
          </Text>
        </div>
        <Button
          ml="auto"
          variant="default"
          disabled={props.disabled ?? false}
          onClick={() => input.current?.click()}
        >
          {props.file === null ? "Choose a file" : "Choose another"}
        </Button>
      </Group>
    </Paper>
  );
}
