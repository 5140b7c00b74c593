use eventsource_core::codec::{Chunk, Item};
use eventsource_core::{Decoder, Event, EventId, event_name};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // An event is described, and encoded into memory of yours.
    let event = Event::new("first\nsecond").name(event_name!("note")).id(EventId::new("1")?);
    let mut buffer = [0; 64];
    let encoded = event.encode_to_slice(&mut buffer)?;
    assert_eq!(encoded, b"event: note\nid: 1\ndata: first\ndata: second\n\n");

    // And decoded in memory of yours, however it was cut.
    let mut memory = [0; 256];
    let mut decoder = Decoder::with_buffer(&mut memory);
    let mut seen = 0;
    for bytes in encoded.chunks(10) {
        let mut chunk = Chunk::new(bytes);
        while let Some(item) = decoder.decode(&mut chunk)? {
            let Item::Event(event) = item else { continue };
            assert_eq!((event.name.as_str(), event.data), ("note", "first\nsecond"));
            seen += 1;
        }
    }
    assert_eq!((seen, decoder.last_event_id().as_str()), (1, "1"));
    Ok(())
}
