"""The networks (codec, condition encoders, MVControlNet, landmark reader, lip generator) and the bundle of them."""
