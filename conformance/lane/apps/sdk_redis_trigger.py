"""As the SDK's example of a Redis trigger: another world, which only componentize-py builds."""

from spin_sdk.wit import exports


class InboundRedis(exports.InboundRedis):
    def handle_message(self, message: bytes) -> None:
        print(message)
