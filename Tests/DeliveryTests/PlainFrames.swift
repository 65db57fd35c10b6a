import Delivery
import EventStream
import NIOCore

/// The tests' frames are bytes without a key.
extension DeliveryLoop {
    func broadcast(_ bytes: ByteBuffer) { broadcast(StreamFrame(bytes)) }
}

extension StreamHandle {
    func admit(_ bytes: ByteBuffer, isEvent: Bool) -> StreamLedger.Admission {
        admit(StreamFrame(bytes, isEvent: isEvent))
    }

    func deliver(_ bytes: ByteBuffer, isEvent: Bool) { deliver(StreamFrame(bytes, isEvent: isEvent)) }
}
